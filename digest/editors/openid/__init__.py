"""OpenID Connect: another way to the desk's door, for who has a provider that vouches for editors. Needs the extra `oidc`."""
