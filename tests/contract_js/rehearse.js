// Every call of npm's official `scalingo` client that concerns access, against the pretend Scalingo.
//
//   node rehearse.js http://127.0.0.1:4000 '{"owner": "tk-…", "full": "tk-…", …}'
//
// The package is looked up in the folder of REHEARSAL_MODULES (node_modules of an install elsewhere).
// Prints one JSON object: what each call resolved or rejected with. Judging is for the reader.

const { createRequire } = require("node:module");
const path = require("node:path");

const modules = process.env.REHEARSAL_MODULES || path.join(__dirname, "node_modules");
const scalingo = createRequire(path.join(modules, "scalingo", "package.json"))("scalingo");

const [base, given] = process.argv.slice(2);
const tokens = JSON.parse(given);
const hosts = { apiUrl: `${base}/osc-fr1`, authApiUrl: base };
const told = {};

async function call(name, work) {
  try {
    told[name] = { resolved: await work() };
  } catch (error) {
    if (error.status === undefined) throw error;
    told[name] = { rejected: { status: error.status, data: error.data } };
  }
  return told[name].resolved;
}

async function rehearse() {
  const as = {};
  for (const [who, token] of Object.entries(tokens)) {
    as[who] = await scalingo.clientFromToken(token, hosts);
  }
  const { owner, full, limited, outsider } = as;
  const app = "billing-api";

  await call("exchange refused", () => scalingo.clientFromToken("tk-us-wrong", hosts));
  await call("self", () => owner.Users.self());
  await call("regions", () => owner.Regions.all());
  await call("two factor", () => owner.TwoFactorAuth.status());
  await call("tokens", () => owner.Tokens.all());
  await call("apps", () => owner.Apps.all());
  await call("app", () => owner.Apps.find(app));
  await call("app unknown", () => owner.Apps.find("no-such-app"));
  await call("app without right", () => outsider.Apps.find(app));
  await call("projects", () => owner.Projects.all());
  await call("databases", () => owner.Databases.all());
  await call("link", () => owner.SCMRepoLinks.find(app));
  await call("variables", () => limited.Environment.for(app));

  await call("collaborators", () => owner.Collaborators.all());
  await call("collaborators of app", () => full.Collaborators.for(app));
  const invited = await call("invite", () =>
    full.Collaborators.invite(app, { email: "new@acme.example", is_limited: false }),
  );
  const plain = await call("invite address", () =>
    full.Collaborators.invite(app, "plain@acme.example"),
  );
  await call("invite again", () => full.Collaborators.invite(app, "plain@acme.example"));
  await call("invite nobody", () => full.Collaborators.invite(app, { wrong: "params" }));
  await call("invite as limited", () => limited.Collaborators.invite(app, "x@acme.example"));
  await call("promote", () => owner.Collaborators.update(app, plain.id, { is_limited: false }));
  await call("promote unknown", () =>
    owner.Collaborators.update(app, "0".repeat(24), { is_limited: false }),
  );
  const link = new URL(invited.invitation_link);
  await call("accept", () => outsider.Collaborators.inviteAccept(link.searchParams.get("token")));
  await call("accept again", () => outsider.Collaborators.inviteAccept("0".repeat(40)));
  await call("destroy", () => owner.Collaborators.destroy(app, invited.id));
  await call("destroy again", () => owner.Collaborators.destroy(app, invited.id));

  await call("events", () => owner.Events.all({ page: 1, per_page: 5 }));
  await call("events of app", () => owner.Events.for(app, { from: 72 }));
  await call("event types", () => owner.Events.listEventTypes());
  await call("restart", async () => (await limited.Containers.restart(app, ["web"])).status);

  for (let asked = 0; asked < 70 && !("limit" in told); asked += 1) {
    await call("last before limit", () => full.Apps.all());
    if (told["last before limit"].rejected) told.limit = told["last before limit"];
  }
  console.log(JSON.stringify(told));
}

rehearse().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
