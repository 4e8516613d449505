"""The tables of a challenge.

What was submitted is never overwritten: `content`, `submission`, `submitted_file`, `structure`, `relaxation` and
`result` only grow, but for the columns that say how far they have come. `crystal` is the open database: one row for
each structure that was accepted, with everything that is searched for, so that no query joins or walks a table.

Energies in eV, lengths in Å, times in UTC as ISO 8601.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

# SQLite gives a rowid to INTEGER alone.
Id = BigInteger().with_variant(Integer, "sqlite")
Sha256 = String(64)

challenge = Table(
    "challenge",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("read_access", String(8), nullable=False),  # open | token
    Column("licence", Text, nullable=False),  # of the database as released
    Column("model_overrides", JSON, nullable=False),  # as on the command line: ["model=sevennet", …]
)

model = Table(
    "model",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sha256", Sha256, nullable=False, unique=True),  # of identity
    Column("name", Text, nullable=False),
    Column("identity", JSON, nullable=False),  # options, plugin and version, weights with their SHA-256
)

hull = Table(
    "hull",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sha256", Sha256, nullable=False, unique=True),  # of model, settings and entries
    Column("kind", String(16), nullable=False),  # references | round | external
    Column("name", Text, nullable=False),
    Column("model_id", Id, ForeignKey("model.id")),  # null: another method, such as DFT
    Column("parent_id", Id, ForeignKey("hull.id")),
    Column("settings_sha256", Sha256, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("n_entries", Integer, nullable=False),
)

hull_entry = Table(
    "hull_entry",
    metadata,
    Column("hull_id", Id, ForeignKey("hull.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("formula", Text, nullable=False),  # reduced, alphabetical
    Column("chemical_system", Text, nullable=False),
    Column("energy_per_atom", Float(53), nullable=False),  # total energy, or formation energy in an external hull
    Column("origin", Text, nullable=False),  # reference:<set>/<name> | crystal:<id>
    Column("is_stable", Boolean, nullable=False),
    Index(None, "hull_id", "chemical_system"),
)

round_ = Table(
    "round",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("settings", JSON, nullable=False),  # lamcore_crystal.rounds.RoundSettings
    Column("settings_sha256", Sha256, nullable=False),
    Column("secret", String(64), nullable=False),  # of the sampling; published when the round is closed
    Column("model_id", Id, ForeignKey("model.id"), nullable=False),
    Column("hull_id", Id, ForeignKey("hull.id")),  # frozen; null until the references are relaxed
    Column("closing_hull_id", Id, ForeignKey("hull.id")),
)

content = Table(
    "content",
    metadata,
    Column("sha256", Sha256, primary_key=True),  # of the raw bytes
    Column("size", Integer, nullable=False),
    Column("codec", String(8), nullable=False),  # zlib | raw
    Column("data", LargeBinary, nullable=False),
)

submission = Table(
    "submission",
    metadata,
    Column("id", Id, primary_key=True),
    Column("round_id", Id, ForeignKey("round.id"), nullable=False),
    Column("source", Text, nullable=False),  # the generator or database
    Column("submitter", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("sha256", Sha256, nullable=False),  # of the files' names and hashes
    Column("split_blocks", Boolean, nullable=False),
    Column("n_files", Integer, nullable=False),
    # received → checked → sampled → evaluated; or rejected, by the gate
    Column("status", String(16), nullable=False),
    Column("gate", JSON),  # lamcore_crystal.sampling.GateResult
    Column("finished_at", Text),
    UniqueConstraint("round_id", "source", "sha256"),
)

submitted_file = Table(
    "submitted_file",
    metadata,
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, ForeignKey("submission.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),  # as in the folder or archive; shown, never opened
    Column("size", BigInteger, nullable=False),
    Column("content_sha256", Sha256, ForeignKey("content.sha256")),  # null: refused before its bytes were kept
    Column("refusal", JSON),  # a finding, where the archive's member itself is refused
    Column("is_read", Boolean, nullable=False),
    UniqueConstraint("submission_id", "position"),
)

structure = Table(
    "structure",
    metadata,
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, ForeignKey("submission.id"), nullable=False),
    Column("file_id", Id, ForeignKey("submitted_file.id"), nullable=False),
    Column("block", Integer, nullable=False),  # of the file; 0 where the file could not be split
    Column("block_name", Text, nullable=False),
    # refused | checked | passed | failed (in the relaxation or after it)
    Column("status", String(16), nullable=False),
    Column("code", String(32)),  # of the first error
    Column("findings", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("geometry", LargeBinary),  # as submitted; null where there is none
    Column("geometry_sha256", Sha256),
    Column("identity_sha256", Sha256),
    Column("formula", Text),
    Column("chemical_system", Text),
    Column("n_sites", Integer),
    Column("sample_position", Integer),  # in the sample, in the order drawn; null outside
    UniqueConstraint("file_id", "block"),
    Index(None, "submission_id", "status", "id"),
    Index(None, "geometry_sha256"),
)

environment = Table(
    "environment",
    metadata,
    Column("sha256", Sha256, primary_key=True),  # of content
    Column("content", JSON, nullable=False),  # versions of Python and of the packages in use, and the machine
)

relaxation = Table(
    "relaxation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("geometry_sha256", Sha256, nullable=False),  # where it began
    Column("model_id", Id, ForeignKey("model.id"), nullable=False),
    Column("settings_sha256", Sha256, nullable=False),
    Column("status", String(8), nullable=False),  # done | failed | again: failed, and to be made once more
    Column("code", String(32)),  # why it failed
    Column("message", Text),
    Column("geometry", LargeBinary),  # where it ended
    Column("energy", Float(53)),  # eV per cell
    Column("n_steps", Integer),
    Column("max_force", Float(53)),  # longest force on an atom, eV/Å
    Column("residual", Float(53)),  # longest row of the generalised forces, eV/Å
    Column("max_stress_gpa", Float(53)),
    Column("volume_ratio", Float(53)),
    Column("seconds", Float(53), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("provenance", JSON, nullable=False),  # device, dtype, threads, SHA-256 of the environment
    Column("finished_at", Text, nullable=False),
    UniqueConstraint("geometry_sha256", "model_id", "settings_sha256"),
)

result = Table(
    "result",
    metadata,
    Column("structure_id", Id, ForeignKey("structure.id"), primary_key=True),
    Column("hull_id", Id, ForeignKey("hull.id"), primary_key=True),
    Column("score_name", String(64), primary_key=True),  # version included
    Column("relaxation_id", Id, ForeignKey("relaxation.id"), nullable=False),
    Column("score", Float(53)),
    Column("formation_energy_per_atom", Float(53)),
    Column("energy_above_hull", Float(53)),  # signed
    Column("decomposition", JSON, nullable=False),  # [[formula, amount per atom, hull entry's position], …]
)

crystal = Table(
    "crystal",
    metadata,
    Column("id", Id, ForeignKey("structure.id"), primary_key=True),  # the structure's id
    Column("submission_id", Id, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),  # file name and block, for display
    Column("licence", Text, nullable=False),
    Column("formula", Text, nullable=False),  # reduced, alphabetical: ClNa
    Column("formula_pretty", Text, nullable=False),
    Column("formula_anonymous", Text, nullable=False),
    Column("chemical_system", Text, nullable=False),
    Column("n_elements", SmallInteger, nullable=False),
    Column("n_sites", Integer, nullable=False),
    Column("volume_per_atom", Float(53), nullable=False),
    Column("density_g_cm3", Float(53), nullable=False),
    Column("space_group", SmallInteger, nullable=False),
    Column("space_group_symbol", Text, nullable=False),
    Column("crystal_system", String(12), nullable=False),
    Column("pearson", Text, nullable=False),
    Column("wyckoff", Text, nullable=False),  # 225: a Na b Cl
    Column("wyckoff_letters", Text, nullable=False),  # a b
    Column("prototype", Text, nullable=False),
    Column("key_loose", Text, nullable=False),
    Column("key_tight", Text, nullable=False),
    Column("identity_sha256", Sha256, nullable=False),
    Column("energy_per_atom", Float(53), nullable=False),
    Column("formation_energy_per_atom", Float(53)),
    Column("energy_above_hull", Float(53)),  # signed; against hull_id
    Column("score", Float(53)),
    Column("hull_id", Id, nullable=False),
    Column("model_id", Id, nullable=False),
    Column("relaxation_id", Id, nullable=False),
    Column("duplicate_in_submission", Id),  # id of the structure that it repeats; null where none
    Column("duplicate_in_database", Id),
    Column("novelty", JSON, nullable=False),  # reference set → name of the same crystal there, or null
    Column("is_novel", Boolean, nullable=False),  # in no reference set
    Column("labels", JSON, nullable=False),
    Column("warnings", JSON, nullable=False),  # findings
    Column("geometry", LargeBinary, nullable=False),  # relaxed
    Column("content_sha256", Sha256, nullable=False),  # of the raw bytes that it came as
    Column("added_at", Text, nullable=False),
    Index(None, "formula", "id"),
    Index(None, "formula_anonymous", "id"),
    Index(None, "formula_anonymous", "energy_above_hull", "id"),
    Index(None, "chemical_system", "id"),
    Index(None, "space_group", "energy_above_hull", "id"),
    Index(None, "crystal_system", "energy_above_hull", "id"),
    Index(None, "crystal_system", "formation_energy_per_atom", "id"),
    Index(None, "energy_above_hull", "id"),
    Index(None, "formation_energy_per_atom", "id"),
    Index(None, "wyckoff", "id"),
    Index(None, "wyckoff_letters", "id"),
    Index(None, "space_group", "wyckoff_letters", "id"),
    Index(None, "prototype", "id"),
    Index(None, "source", "id"),
    Index(None, "submission_id", "id"),
    Index(None, "n_elements", "energy_above_hull", "id"),
    Index(None, "n_sites", "id"),
)

crystal_element = Table(
    "crystal_element",
    metadata,
    Column("z", SmallInteger, primary_key=True, autoincrement=False),
    Column("crystal_id", Id, ForeignKey("crystal.id"), primary_key=True, autoincrement=False),
    Column("amount", Integer, nullable=False),  # in the reduced formula
    sqlite_with_rowid=False,
)

reference_set = Table(
    "reference_set",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("licence", Text, nullable=False),
    Column("citation", Text, nullable=False),
    Column("in_hull", Boolean, nullable=False),  # its relaxed members are entries of the hull
    Column("for_novelty", Boolean, nullable=False),
    Column("sha256", Sha256, nullable=False),
)

reference = Table(
    "reference",
    metadata,
    Column("id", Id, primary_key=True),
    Column("set_id", Id, ForeignKey("reference_set.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("formula", Text, nullable=False),
    Column("geometry", LargeBinary, nullable=False),
    Column("geometry_sha256", Sha256, nullable=False),
    Column("key_loose", Text, nullable=False),
    Column("key_tight", Text, nullable=False),
    Column("volume_per_atom", Float(53), nullable=False),
    UniqueConstraint("set_id", "name"),
    Index(None, "formula"),
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("submission_id", Id),
    Column("details", JSON, nullable=False),
    Index(None, "submission_id", "id"),
)

statistic = Table(
    "statistic",
    metadata,
    Column("name", String(32), primary_key=True),  # total | element | space_group | source | hull_distance | …
    Column("key", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("sha256", Sha256, primary_key=True),  # the token itself is shown once and not kept
    Column("name", Text, nullable=False),
    Column("may", String(8), nullable=False),  # read | submit
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)
