"""Fakes and contracts for tests: of Digest itself, and of plugins.

`provider_contract.ProviderContract` is the suite every provider passes; `fake_provider.FakeProvider` carries mail
nowhere, by a script; `smtp_sink.SmtpSink` and `sendgrid_stub.SendGridStub` are services on loopback that can be told
how to misbehave; `name_server.NameServerStub` is a name server of that kind; `specimens` makes the renditions and envelopes they are tried with.
"""
