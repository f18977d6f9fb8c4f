# The application that is put under load: web, API, job worker and seed, chosen by the command.
FROM python:3.11-slim
WORKDIR /harness
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY stack ./stack
RUN useradd --system app
USER app
ENTRYPOINT ["python", "-m", "stack.container"]
