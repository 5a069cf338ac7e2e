"""A shop in conventional Django: the project that the gateway serves unchanged.

Read `settings.py` and `urls.py` first. `shop` sells, `accounts` knows the customers, `suppliers`
asks wholesalers for prices, `middleware` holds what the team wrapped around every request.
"""
