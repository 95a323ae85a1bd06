"""The API: what other programs may ask and do, in JSON, described by OpenAPI."""
