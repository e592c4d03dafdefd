"""Which store a database's address means: for the server and for every command that works on the store itself."""

from threadline.clock import Clock
from threadline.settings import Settings
from threadline.store.contract import Store
from threadline.store.sqlite.store import SqliteStore
from threadline.store.sqlite.survey import Survey
from threadline.store.survey import Surveyed


def make_store(settings: Settings, clock: Clock, connect_seconds: float | None = None) -> Store:
    """Return the store, not open yet. Raises SettingsRefused for a database that is none of ours."""
    if not settings.is_postgres:
        return SqliteStore(settings.database_path, clock, settings.durability)
    # The driver takes its time to load, which nobody should pay who does not use it.
    from threadline.store.postgres.store import CONNECT_SECONDS, PostgresStore

    return PostgresStore(settings.database, CONNECT_SECONDS if connect_seconds is None else connect_seconds)


def make_survey(settings: Settings, clock: Clock) -> Surveyed:
    """Return a survey of the database. Raises StoreRefused where there is none, or it cannot be reached."""
    if not settings.is_postgres:
        return Survey(settings.database_path, clock)
    from threadline.store.postgres.survey import PostgresSurvey

    return PostgresSurvey(settings.database)
