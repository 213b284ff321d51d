"""A made-up territory for trying and teaching: people, circles, notes with drawn pictures, receipts.

Everybody in it is a real member with real keys that goes through the server's front door; nobody in it exists.
"""
