"""The page before a small server that answers as the API does, from a filled database; wrong input and slow work by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from filled import fill
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.hull.hull import Hull, HullEntry
from lamcore_crystal.store import schema
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.patterns import PatternError
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.search import search
from lamcore_crystal.store.statistics import statistics
from lamcore_crystal.web.page import mount
from sqlalchemy import func, select, update

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
TOKEN = "right-token"
WORDS = {"meaning": "what this code means", "advice": "what to do about it"}
LISTS = ("elements", "any_of", "exclude", "only")
# Formation energies by hand, eV/atom: two compounds of Li and O on the hull and one above it; a ternary on it.
ENTRIES = [("Li", 0.0), ("O", 0.0), ("Fe", 0.0), ("Li2O", -2.0), ("Li2O2", -1.6), ("LiO2", -0.7), ("Fe2O3", -1.7)]
ENTRIES += [("LiFeO2", -1.95), ("FeO", -1.2), ("LiFe", 0.1)]


def filled(url: str, hostile: bool = True) -> Database:
    """A database with crystals, where one source and one file have HTML for a name."""
    database = Database.create(url)
    fill(database, 120)
    if hostile:
        with database.write() as connection:
            ids = [row.id for row in connection.execute(select(schema.crystal.c.id).limit(1))]
            connection.execute(
                update(schema.crystal).where(schema.crystal.c.id.in_(ids)).values(source=HOSTILE, name=HOSTILE)
            )
    return database


def make_app(database: Database, read_token: str | None = None) -> FastAPI:
    """The page with an API of the same shape as the real one."""
    app = FastAPI()
    state = {"looks": 0, "uploads": []}
    app.state.page_test = state

    @app.middleware("http")
    async def guarded(request: Request, call_next):
        if read_token and request.url.path.startswith("/api/"):
            given = request.headers.get("authorization")
            if given != f"Bearer {read_token}":
                return _error(401, "unauthorized", "this token is not in force", "ask for one")
        return await call_next(request)

    @app.get("/api/v1/challenge")
    def challenge():
        with database.read() as connection:
            row = connection.execute(select(schema.challenge)).mappings().one()
            round_ = dict(connection.execute(select(schema.round_)).mappings().one())
            model = connection.execute(select(schema.model)).mappings().one()
            hull = connection.execute(select(schema.hull)).mappings().one()
        shown = {name: round_[name] for name in ("number", "name", "opened_at", "closed_at", "settings")}
        shown["model"] = {"name": model["name"], "identity": model["identity"]}
        shown["hull"] = {name: hull[name] for name in ("id", "sha256", "n_entries")}
        return {"name": row["name"], "licence": row["licence"], "read_access": row["read_access"], "round": shown}

    @app.get("/api/v1/crystals")
    def crystals(request: Request):
        given = dict(request.query_params)
        limit, after = int(given.pop("limit", 100)), given.pop("after", None)
        for name in LISTS:
            given[name] = tuple(filter(None, given.get(name, "").split(",")))
        for name in ("space_group", "n_elements", "min_sites", "max_sites", "submission_id"):
            given[name] = int(given[name]) if name in given else None
        for name in ("min_hull", "max_hull", "min_formation", "max_formation"):
            given[name] = float(given[name]) if name in given else None
        for name in ("unique", "novel", "descending"):
            given[name] = given.get(name) == "true"
        try:
            with database.read() as connection:
                page = search(connection, CrystalQuery(**given), limit, after)
        except PatternError as error:
            return _error(422, "bad_parameter", str(error), "write it otherwise")
        return {"items": [dict(row) for row in page.rows], "next": page.next, "total": page.total}

    @app.get("/api/v1/crystals/{crystal_id}")
    def crystal(crystal_id: int):
        with database.read() as connection:
            row = connection.execute(select(schema.crystal).where(schema.crystal.c.id == crystal_id)).mappings().first()
            if row is None:
                return _error(404, "not_found", f"there is no crystal {crystal_id}", "search for one")
            start = connection.execute(select(schema.structure.c.geometry).where(schema.structure.c.id == row["id"]))
            relaxed = dict(connection.execute(select(schema.relaxation)).mappings().first())
            submitted = _geometry(start.scalar_one())
        relaxed.pop("geometry")
        shown = {name: value for name, value in row.items() if name != "geometry"}
        phases = [{"formula": "Li2O", "amount": 0.6, "origin": "reference:compounds/Li2O", "crystal_id": None}]
        phases.append({"formula": row["formula"], "amount": 0.4, "origin": f"crystal:{row['id']}", "crystal_id": row["id"]})
        history = [{"at": row["added_at"], "kind": "accepted", "hull_id": 1, "energy_above_hull": row["energy_above_hull"]}]
        more = {"submitted": submitted, "relaxation": relaxed, "decomposition": phases, "history": history}
        return {**shown, **_geometry(row["geometry"]), **more, "model": {"name": "lennard-jones"}}

    @app.get("/api/v1/crystals/{crystal_id}/similar")
    def similar(crystal_id: int, limit: int = 10, after: str | None = None):
        columns = [column for column in schema.crystal.c if column.name != "geometry"]
        with database.read() as connection:
            wanted = connection.execute(select(schema.crystal.c.prototype).where(schema.crystal.c.id == crystal_id))
            query = select(*columns).where(
                schema.crystal.c.prototype == wanted.scalar_one(), schema.crystal.c.id > int(after or 0)
            )
            rows = [dict(row) for row in connection.execute(query.order_by("id").limit(limit + 1)).mappings()]
        return {"items": rows[:limit], "next": str(rows[limit - 1]["id"]) if len(rows) > limit else None}

    @app.get("/api/v1/crystals/{crystal_id}/file.cif")
    def cif(crystal_id: int):
        return PlainTextResponse(f"data_{crystal_id}\n", headers={"Content-Disposition": "attachment"})

    @app.get("/api/v1/submissions")
    def submissions():
        with database.read() as connection:
            rows = connection.execute(select(schema.submission).order_by(schema.submission.c.id.desc())).mappings()
            return {"items": [dict(row) for row in rows], "next": None}

    @app.get("/api/v1/submissions/{submission_id}")
    def submission(submission_id: int):
        with database.read() as connection:
            row = connection.execute(
                select(schema.submission).where(schema.submission.c.id == submission_id)
            ).mappings().first()
            if row is None:
                return _error(404, "not_found", f"there is no submission {submission_id}", "see the list")
            counted = select(schema.structure.c.status, func.count()).where(
                schema.structure.c.submission_id == submission_id
            )
            counts = {status: n for status, n in connection.execute(counted.group_by(schema.structure.c.status))}
        shown, total = dict(row), row["n_files"]
        if row["status"] == "received":  # the work goes on with each look
            state["looks"] += 1
            shown["status"] = ("received", "checked", "evaluated")[min(state["looks"], 3) - 1]
        done = 0 if shown["status"] == "received" else total
        progress = {"files": total, "checked": done, "to_relax": total, "relaxed": done, "total": total}
        return {**shown, "counts": counts, "progress": progress}

    @app.get("/api/v1/submissions/{submission_id}/structures")
    def structures(submission_id: int, status: str = "refused"):
        query = (
            select(schema.structure, schema.submitted_file.c.name.label("file"))
            .join(schema.submitted_file, schema.submitted_file.c.id == schema.structure.c.file_id)
            .where(schema.structure.c.submission_id == submission_id, schema.structure.c.status == status)
        )
        with database.read() as connection:
            rows = connection.execute(query.limit(50)).mappings().all()
        names = ("id", "file", "block", "status", "code", "findings")
        items = [{name: row[name] for name in names} for row in rows]
        return {"items": [{**one, "message": _message(one), **WORDS} for one in items], "next": None}

    @app.post("/api/v1/submissions", status_code=202)
    async def submit(
        request: Request, files: list[UploadFile] = File(), source: str = Form(), submitter: str = Form(),
        licence: str = Form(), split_blocks: bool = Form(),
    ):  # fmt: skip
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "unauthorized", "this token is not in force", "ask who runs the challenge for one")
        names = [(one.filename, len(await one.read())) for one in files]
        state["uploads"].append({"files": names, "source": source, "split_blocks": split_blocks})
        return JSONResponse({"id": 5}, 202, headers={"Location": "/api/v1/submissions/5"})

    @app.get("/api/v1/hulls")
    def hulls():
        return {"items": [{"id": 1, "name": "elements", "kind": "references", "n_entries": len(ENTRIES)}]}

    @app.get("/api/v1/hulls/{hull_id}/diagram/{system}")
    def diagram(hull_id: int, system: str):
        if hull_id != 1:
            return _error(404, "not_found", f"there is no hull {hull_id}", "see the list")
        symbols = {symbol: 1.0 for symbol in system.split("-")}
        if not symbols.keys() <= {"Li", "Fe", "O"}:
            return _error(422, "no_entry", f"{system}: an element has no entry of its own", "choose other elements")
        entries = [HullEntry(_amounts(formula), energy, f"reference:{formula}") for formula, energy in ENTRIES]
        drawn = Hull(entries, "formation").diagram(system)
        shown = [
            {"formula": one.formula, "formation_energy_per_atom": one.formation_energy_per_atom, "origin": one.origin,
             "energy_above_hull": one.energy_above_hull, "crystal_id": None} for one in drawn.entries
        ]  # fmt: skip
        return {"elements": list(drawn.elements), "entries": shown, "facets": [list(one) for one in drawn.facets]}

    @app.get("/api/v1/statistics")
    def counts():
        with database.read() as connection:
            found = statistics(connection)
        shown = {name: dict(getattr(found, name)) for name in ("elements", "space_groups", "crystal_systems", "codes")}
        distance = {"edges": found.hull_distance_edges, "counts": found.hull_distance_counts}
        sources = {**found.sources, HOSTILE: 1}
        return {"total": found.total, **shown, "sources": sources, "hull_distance": distance}

    @app.get("/api/v1/leaderboard")
    def leaderboard():
        names = ("n_submitted", "n_valid", "n_unique", "n_novel", "n_stable", "n_sun", "n_metasun")
        rows = [(HOSTILE, 60, 50, 44, 40, 21, 12, 20), ("my-generator", 120, 100, 80, 60, 31, 30, 44)]
        rows.append(("other-generator", 0, 0, 0, 0, 0, 0, 0))
        sources = [
            {"source": source, **dict(zip(names, values, strict=True)), "score": 0.03 if values[0] else None,
             "median_above_hull": 0.083 if values[0] else None, "min_above_hull": -0.03 if values[0] else None,
             "intervals": {"n_sun": [0.1, 0.3]}} for source, *values in rows
        ]  # fmt: skip
        submissions = [{**one, "submission_id": i + 1, "status": "evaluated"} for i, one in enumerate(sources)]
        return {"sources": sources, "submissions": submissions}

    mount(app)
    return app


def _error(status: int, code: str, message: str, advice: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "advice": advice}}, status)


def _message(structure) -> str:
    return structure["findings"][0]["message"] if structure["findings"] else ""


def _geometry(packed: bytes) -> dict:
    geometry = Geometry.unpack(packed)
    return {name: getattr(geometry, name).tolist() for name in ("cell", "fractional", "numbers")}


def _amounts(formula: str) -> dict[str, float]:
    from ase.formula import Formula

    return {symbol: float(n) for symbol, n in Formula(formula).count().items()}


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Its address, on a port of the system's choice, while the context lasts."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise HTTPException(500, "the server did not start")
        threading.Event().wait(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
