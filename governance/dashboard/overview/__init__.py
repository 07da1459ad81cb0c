"""The overview: is our access in order today?"""
