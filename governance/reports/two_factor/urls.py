from django.urls import path

from governance.reports.two_factor.views import listing, over_time, person, reminders, reviews

app_name = "two-factor"

urlpatterns = [
    path("", listing.people, name="list"),
    path("over-time/", over_time.over_time, name="over-time"),
    path("remind/", reminders.remind, name="remind"),
    path("people/<uuid:person_id>/", person.person, name="person"),
    path("people/<uuid:person_id>/attest/", person.attest, name="attest"),
    path("people/<uuid:person_id>/withdraw/", person.withdraw, name="withdraw"),
    path("people/<uuid:person_id>/except/", person.let_go, name="except"),
    path("people/<uuid:person_id>/end-exception/", person.end_exception, name="end-exception"),
    path("people/<uuid:person_id>/remind/", person.remind, name="remind-one"),
    path("reviews/", reviews.reviews, name="reviews"),
    path("reviews/start/", reviews.start, name="start-review"),
    path("reviews/<uuid:review_id>/", reviews.review, name="review"),
    path("reviews/<uuid:review_id>/<int:number>/decide/", reviews.decide, name="decide"),
    path("reviews/<uuid:review_id>/sign-off/", reviews.sign_off, name="sign-off"),
]
