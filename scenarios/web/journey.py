"""The whole product in one mix, as on a working day: most use its pages, many its app, some look around.

The weights are arrivals; plans/diurnal.toml, spike.toml and soak.toml say how many there are over time.
"""

from scenarios.web import assets, attachments, background_jobs, browse, search, trpc


class LookingAround(assets.BrowserUser):
    weight = 20


class OnPages(browse.BrowseUser):
    weight = 40


class InTheApp(trpc.TrpcUser):
    weight = 28


class Searching(search.SearchUser):
    weight = 6


class LeavingJobs(background_jobs.JobUser):
    weight = 4


class WithFiles(attachments.FileUser):
    weight = 2
