"""The process of `serve metrics`: the figures in the text format of Prometheus, on a private address, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock

from flask import Flask, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from gongshi.court import Court
from gongshi.desk import DeskApp
from gongshi.office import open_office
from gongshi.watching.figures import FIGURES, Sample, read_certificates, read_samples

# Whoever asks more often is given the same again.
KEPT = timedelta(seconds=10)
CERTIFICATES_KEPT = timedelta(minutes=10)
PREFIX = "gongshi_"


def create_metrics(court: Court) -> Flask:
    """The application of `serve metrics`. Raises BadSetting."""
    # A page of the desk's kind: an unforeseen error is written without what it held.
    app = DeskApp("gongshi.metrics", static_folder=None)
    registry = CollectorRegistry()
    registry.register(CourtFigures(court))

    @app.get("/metrics")
    def metrics() -> Response:
        # Whatever is asked for in the query, all is answered: it filters nothing, and is written nowhere.
        response = Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_1_0_0)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return app


class CourtFigures(Collector):
    """The figures of one home, kept some seconds."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._office = open_office(court)
        self._lock = Lock()
        self._samples: Sequence[Sample] = ()
        self._read_at: datetime | None = None
        self._certificates: Sequence[Sample] = ()
        self._certificates_at: datetime | None = None
        # A connection that two processes hold belongs to neither: the server forks after this.
        self._release()

    def describe(self) -> Iterable[Metric]:
        return [_open_family(name) for name in _NAMES]

    def collect(self) -> Iterable[Metric]:
        families = {name: _open_family(name) for name in _NAMES}
        for sample in self._take():
            families[sample.name].add_metric(sample.labels, sample.value)
        return [family for family in families.values() if family.samples]

    def _take(self) -> Sequence[Sample]:
        now = self._court.now
        with self._lock:
            if _is_old(self._certificates_at, now, CERTIFICATES_KEPT):
                self._certificates = list(read_certificates(self._court.settings.certificate_places, now))
                self._certificates_at = now
            if _is_old(self._read_at, now, KEPT):
                self._samples = list(read_samples(self._court, self._office))
                self._read_at = now
            return [*self._samples, *self._certificates]

    def _release(self) -> None:
        self._court.engine.dispose()
        self._office.engine.dispose()
        self._court.store.close()


_NAMES = {figure.name: figure for figure in FIGURES}


def _open_family(name: str) -> GaugeMetricFamily | CounterMetricFamily:
    figure = _NAMES[name]
    kind = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
    return kind(PREFIX + name, figure.help, labels=figure.labels)


def _is_old(moment: datetime | None, now: datetime, kept: timedelta) -> bool:
    return moment is None or not timedelta() <= now - moment < kept
