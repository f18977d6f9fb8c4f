import tests.load.conftest  # noqa: F401  # locust is imported there without patching the whole process
