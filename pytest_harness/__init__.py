"""The pytest plugin: load tests as ordinary tests, `def test_checkout(load): ...`. See docs/ci.md."""
