"""How load is made, inside Locust. Only this package and the scenarios import locust or gevent."""
