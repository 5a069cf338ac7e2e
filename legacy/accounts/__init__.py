"""Who the customers are: the user model, sign-up and the account pages."""
