"""Login at a provider of OpenID Connect: authorisation code with PKCE, and what its claims mean here."""
