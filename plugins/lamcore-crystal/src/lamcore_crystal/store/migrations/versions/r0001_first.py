"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Sha256 = sa.String(length=64)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "challenge",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("read_access", sa.String(length=8), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("model_overrides", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge")),
    )
    op.create_table(
        "content",
        sa.Column("sha256", Sha256, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(length=8), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_content")),
    )
    op.create_table(
        "environment",
        sa.Column("sha256", Sha256, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_environment")),
    )
    op.create_table(
        "event",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("submission_id", Id, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_submission_id_id"), "event", ["submission_id", "id"], unique=False)
    op.create_table(
        "model",
        sa.Column("id", Id, nullable=False),
        sa.Column("sha256", Sha256, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        sa.UniqueConstraint("sha256", name=op.f("uq_model_sha256")),
    )
    op.create_table(
        "reference_set",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("in_hull", sa.Boolean(), nullable=False),
        sa.Column("for_novelty", sa.Boolean(), nullable=False),
        sa.Column("sha256", Sha256, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_set")),
        sa.UniqueConstraint("name", name=op.f("uq_reference_set_name")),
    )
    op.create_table(
        "statistic",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key", name=op.f("pk_statistic")),
    )
    op.create_table(
        "token",
        sa.Column("sha256", Sha256, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("may", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_token")),
    )
    op.create_table(
        "hull",
        sa.Column("id", Id, nullable=False),
        sa.Column("sha256", Sha256, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model_id", Id, nullable=True),
        sa.Column("parent_id", Id, nullable=True),
        sa.Column("settings_sha256", Sha256, nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("n_entries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_hull_model_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["hull.id"], name=op.f("fk_hull_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hull")),
        sa.UniqueConstraint("sha256", name=op.f("uq_hull_sha256")),
    )
    op.create_table(
        "reference",
        sa.Column("id", Id, nullable=False),
        sa.Column("set_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("geometry_sha256", Sha256, nullable=False),
        sa.Column("key_loose", sa.Text(), nullable=False),
        sa.Column("key_tight", sa.Text(), nullable=False),
        sa.Column("volume_per_atom", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["reference_set.id"], name=op.f("fk_reference_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference")),
        sa.UniqueConstraint("set_id", "name", name=op.f("uq_reference_set_id_name")),
    )
    op.create_index(op.f("ix_reference_formula"), "reference", ["formula"], unique=False)
    op.create_table(
        "relaxation",
        sa.Column("id", Id, nullable=False),
        sa.Column("geometry_sha256", Sha256, nullable=False),
        sa.Column("model_id", Id, nullable=False),
        sa.Column("settings_sha256", Sha256, nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("geometry", sa.LargeBinary(), nullable=True),
        sa.Column("energy", sa.Float(precision=53), nullable=True),
        sa.Column("n_steps", sa.Integer(), nullable=True),
        sa.Column("max_force", sa.Float(precision=53), nullable=True),
        sa.Column("residual", sa.Float(precision=53), nullable=True),
        sa.Column("max_stress_gpa", sa.Float(precision=53), nullable=True),
        sa.Column("volume_ratio", sa.Float(precision=53), nullable=True),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("provenance", sa.JSON(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_relaxation_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relaxation")),
        sa.UniqueConstraint(
            "geometry_sha256",
            "model_id",
            "settings_sha256",
            name=op.f("uq_relaxation_geometry_sha256_model_id_settings_sha256"),
        ),
    )
    op.create_table(
        "hull_entry",
        sa.Column("hull_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("chemical_system", sa.Text(), nullable=False),
        sa.Column("energy_per_atom", sa.Float(precision=53), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("is_stable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["hull_id"], ["hull.id"], name=op.f("fk_hull_entry_hull_id")),
        sa.PrimaryKeyConstraint("hull_id", "position", name=op.f("pk_hull_entry")),
    )
    op.create_index(
        op.f("ix_hull_entry_hull_id_chemical_system"), "hull_entry", ["hull_id", "chemical_system"], unique=False
    )
    op.create_table(
        "round",
        sa.Column("id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("settings_sha256", Sha256, nullable=False),
        sa.Column("secret", Sha256, nullable=False),
        sa.Column("model_id", Id, nullable=False),
        sa.Column("hull_id", Id, nullable=True),
        sa.Column("closing_hull_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["closing_hull_id"], ["hull.id"], name=op.f("fk_round_closing_hull_id")),
        sa.ForeignKeyConstraint(["hull_id"], ["hull.id"], name=op.f("fk_round_hull_id")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_round_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("number", name=op.f("uq_round_number")),
    )
    op.create_table(
        "submission",
        sa.Column("id", Id, nullable=False),
        sa.Column("round_id", Id, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("submitter", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("sha256", Sha256, nullable=False),
        sa.Column("split_blocks", sa.Boolean(), nullable=False),
        sa.Column("n_files", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("gate", sa.JSON(), nullable=True),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_submission_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("round_id", "source", "sha256", name=op.f("uq_submission_round_id_source_sha256")),
    )
    op.create_table(
        "submitted_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("submission_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_sha256", Sha256, nullable=True),
        sa.Column("refusal", sa.JSON(), nullable=True),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["content_sha256"], ["content.sha256"], name=op.f("fk_submitted_file_content_sha256")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_submitted_file_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submitted_file")),
        sa.UniqueConstraint("submission_id", "position", name=op.f("uq_submitted_file_submission_id_position")),
    )
    op.create_table(
        "structure",
        sa.Column("id", Id, nullable=False),
        sa.Column("submission_id", Id, nullable=False),
        sa.Column("file_id", Id, nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("block_name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=True),
        sa.Column("geometry_sha256", Sha256, nullable=True),
        sa.Column("identity_sha256", Sha256, nullable=True),
        sa.Column("formula", sa.Text(), nullable=True),
        sa.Column("chemical_system", sa.Text(), nullable=True),
        sa.Column("n_sites", sa.Integer(), nullable=True),
        sa.Column("sample_position", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["submitted_file.id"], name=op.f("fk_structure_file_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_structure_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_structure")),
        sa.UniqueConstraint("file_id", "block", name=op.f("uq_structure_file_id_block")),
    )
    op.create_index(op.f("ix_structure_geometry_sha256"), "structure", ["geometry_sha256"], unique=False)
    op.create_index(
        op.f("ix_structure_submission_id_status_id"), "structure", ["submission_id", "status", "id"], unique=False
    )
    op.create_table(
        "crystal",
        sa.Column("id", Id, nullable=False),
        sa.Column("submission_id", Id, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("formula_pretty", sa.Text(), nullable=False),
        sa.Column("formula_anonymous", sa.Text(), nullable=False),
        sa.Column("chemical_system", sa.Text(), nullable=False),
        sa.Column("n_elements", sa.SmallInteger(), nullable=False),
        sa.Column("n_sites", sa.Integer(), nullable=False),
        sa.Column("volume_per_atom", sa.Float(precision=53), nullable=False),
        sa.Column("density_g_cm3", sa.Float(precision=53), nullable=False),
        sa.Column("space_group", sa.SmallInteger(), nullable=False),
        sa.Column("space_group_symbol", sa.Text(), nullable=False),
        sa.Column("crystal_system", sa.String(length=12), nullable=False),
        sa.Column("pearson", sa.Text(), nullable=False),
        sa.Column("wyckoff", sa.Text(), nullable=False),
        sa.Column("wyckoff_letters", sa.Text(), nullable=False),
        sa.Column("prototype", sa.Text(), nullable=False),
        sa.Column("key_loose", sa.Text(), nullable=False),
        sa.Column("key_tight", sa.Text(), nullable=False),
        sa.Column("identity_sha256", Sha256, nullable=False),
        sa.Column("energy_per_atom", sa.Float(precision=53), nullable=False),
        sa.Column("formation_energy_per_atom", sa.Float(precision=53), nullable=True),
        sa.Column("energy_above_hull", sa.Float(precision=53), nullable=True),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("hull_id", Id, nullable=False),
        sa.Column("model_id", Id, nullable=False),
        sa.Column("relaxation_id", Id, nullable=False),
        sa.Column("duplicate_in_submission", Id, nullable=True),
        sa.Column("duplicate_in_database", Id, nullable=True),
        sa.Column("novelty", sa.JSON(), nullable=False),
        sa.Column("is_novel", sa.Boolean(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", Sha256, nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["structure.id"], name=op.f("fk_crystal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crystal")),
    )
    op.create_index(op.f("ix_crystal_chemical_system_id"), "crystal", ["chemical_system", "id"], unique=False)
    op.create_index(
        op.f("ix_crystal_crystal_system_energy_above_hull_id"),
        "crystal",
        ["crystal_system", "energy_above_hull", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_crystal_crystal_system_formation_energy_per_atom_id"),
        "crystal",
        ["crystal_system", "formation_energy_per_atom", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_crystal_energy_above_hull_id"), "crystal", ["energy_above_hull", "id"], unique=False)
    op.create_index(
        op.f("ix_crystal_formation_energy_per_atom_id"), "crystal", ["formation_energy_per_atom", "id"], unique=False
    )
    op.create_index(
        op.f("ix_crystal_formula_anonymous_energy_above_hull_id"),
        "crystal",
        ["formula_anonymous", "energy_above_hull", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_crystal_formula_anonymous_id"), "crystal", ["formula_anonymous", "id"], unique=False)
    op.create_index(op.f("ix_crystal_formula_id"), "crystal", ["formula", "id"], unique=False)
    op.create_index(
        op.f("ix_crystal_n_elements_energy_above_hull_id"),
        "crystal",
        ["n_elements", "energy_above_hull", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_crystal_n_sites_id"), "crystal", ["n_sites", "id"], unique=False)
    op.create_index(op.f("ix_crystal_prototype_id"), "crystal", ["prototype", "id"], unique=False)
    op.create_index(op.f("ix_crystal_source_id"), "crystal", ["source", "id"], unique=False)
    op.create_index(
        op.f("ix_crystal_space_group_energy_above_hull_id"),
        "crystal",
        ["space_group", "energy_above_hull", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_crystal_space_group_wyckoff_letters_id"),
        "crystal",
        ["space_group", "wyckoff_letters", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_crystal_submission_id_id"), "crystal", ["submission_id", "id"], unique=False)
    op.create_index(op.f("ix_crystal_wyckoff_id"), "crystal", ["wyckoff", "id"], unique=False)
    op.create_index(op.f("ix_crystal_wyckoff_letters_id"), "crystal", ["wyckoff_letters", "id"], unique=False)
    op.create_table(
        "result",
        sa.Column("structure_id", Id, nullable=False),
        sa.Column("hull_id", Id, nullable=False),
        sa.Column("score_name", Sha256, nullable=False),
        sa.Column("relaxation_id", Id, nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("formation_energy_per_atom", sa.Float(precision=53), nullable=True),
        sa.Column("energy_above_hull", sa.Float(precision=53), nullable=True),
        sa.Column("decomposition", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["hull_id"], ["hull.id"], name=op.f("fk_result_hull_id")),
        sa.ForeignKeyConstraint(["relaxation_id"], ["relaxation.id"], name=op.f("fk_result_relaxation_id")),
        sa.ForeignKeyConstraint(["structure_id"], ["structure.id"], name=op.f("fk_result_structure_id")),
        sa.PrimaryKeyConstraint("structure_id", "hull_id", "score_name", name=op.f("pk_result")),
    )
    op.create_table(
        "crystal_element",
        sa.Column("z", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("crystal_id", Id, autoincrement=False, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["crystal_id"], ["crystal.id"], name=op.f("fk_crystal_element_crystal_id")),
        sa.PrimaryKeyConstraint("z", "crystal_id", name=op.f("pk_crystal_element")),
        sqlite_with_rowid=False,
    )
