"""What wholesalers ask for a product, fetched over HTTP while the caller waits."""
