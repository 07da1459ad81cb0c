"""The audit log: who did what, when, and can it be believed?"""
