"""The sender's domain: what receivers look up before they believe a mail.

Each check is a pure function over a `Book` of answers and says by asking it what else it wants to know; `digest.app.name_server`
stands at the edge and asks.
"""
