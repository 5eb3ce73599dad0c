CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    email TEXT,
    role TEXT NOT NULL
        CHECK (role IN ('viewer', 'qa', 'engineer', 'admin')),
    password_hash TEXT,
    disabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL
        CHECK (role IN ('viewer', 'qa', 'engineer', 'admin')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    outcome TEXT NOT NULL
        CHECK (outcome IN ('done', 'refused', 'failed')),
    detail TEXT NOT NULL
);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    vcs TEXT NOT NULL,
    url TEXT NOT NULL,
    polled_at BIGINT,
    poll_error TEXT
);

CREATE TABLE branches (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    feed_token TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
        CHECK (state IN ('active', 'frozen', 'deleted')),
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE heads (
    repository_id BIGINT NOT NULL REFERENCES repositories (id),
    branch TEXT NOT NULL,
    revision TEXT NOT NULL,
    position BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    gone BOOLEAN NOT NULL,
    PRIMARY KEY (repository_id, branch)
);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    repository_id BIGINT NOT NULL REFERENCES repositories (id),
    branch TEXT NOT NULL,
    revision TEXT NOT NULL,
    position BIGINT NOT NULL,
    author TEXT NOT NULL,
    author_email TEXT,
    message TEXT NOT NULL,
    files TEXT NOT NULL,
    files_total BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    UNIQUE (repository_id, branch, position)
);
CREATE INDEX changes_by_repository_id_branch_revision ON changes (repository_id, branch, revision);

CREATE TABLE builders (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    tags TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    next_number BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE agents (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    key_hex TEXT,
    key_previous_hex TEXT,
    installation TEXT,
    version TEXT,
    os TEXT,
    arch TEXT,
    facts TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    paused BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    connected_at BIGINT,
    last_seen_at BIGINT,
    enrolled BOOLEAN NOT NULL DEFAULT FALSE,
    labels TEXT NOT NULL DEFAULT '{}',
    slots BIGINT NOT NULL DEFAULT 1,
    status TEXT NOT NULL DEFAULT '{}',
    status_at BIGINT,
    refuses TEXT,
    missing_at BIGINT
);

CREATE TABLE agent_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL UNIQUE,
    secret_hex TEXT,
    names TEXT NOT NULL,
    labels TEXT NOT NULL,
    slots BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    agent_id BIGINT REFERENCES agents (id),
    installation TEXT,
    settled_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX agent_tokens_by_agent_id ON agent_tokens (agent_id);

CREATE TABLE agent_upgrades (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    agent_id BIGINT NOT NULL REFERENCES agents (id),
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('waiting', 'sending', 'restarting', 'done', 'failed')),
    sent BIGINT NOT NULL,
    state_text TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX agent_upgrades_by_agent_id_id ON agent_upgrades (agent_id, id);
CREATE INDEX agent_upgrades_by_state ON agent_upgrades (state);

CREATE TABLE schedule_cursors (
    schedule TEXT NOT NULL,
    repository_id BIGINT NOT NULL REFERENCES repositories (id),
    branch TEXT NOT NULL,
    change_id BIGINT NOT NULL,
    PRIMARY KEY (schedule, repository_id, branch)
);

CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    builder_id BIGINT NOT NULL REFERENCES builders (id),
    schedule TEXT,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    priority BIGINT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('pending', 'claimed', 'done', 'cancelled')),
    wait_reason TEXT NOT NULL,
    restarts BIGINT NOT NULL DEFAULT 0,
    properties TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX requests_by_state_id ON requests (state, id);
CREATE INDEX requests_by_builder_id_id ON requests (builder_id, id);

CREATE TABLE source_stamps (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    request_id BIGINT NOT NULL REFERENCES requests (id),
    codebase TEXT NOT NULL,
    repository_id BIGINT NOT NULL REFERENCES repositories (id),
    branch TEXT NOT NULL,
    revision TEXT NOT NULL,
    position BIGINT NOT NULL,
    UNIQUE (request_id, codebase)
);
CREATE INDEX source_stamps_by_branch_request_id ON source_stamps (branch, request_id);

CREATE TABLE request_changes (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    change_id BIGINT NOT NULL REFERENCES changes (id),
    PRIMARY KEY (request_id, change_id)
);
CREATE INDEX request_changes_by_change_id ON request_changes (change_id);

CREATE TABLE builds (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    builder_id BIGINT NOT NULL REFERENCES builders (id),
    number BIGINT NOT NULL,
    request_id BIGINT NOT NULL REFERENCES requests (id) UNIQUE,
    agent_id BIGINT NOT NULL REFERENCES agents (id),
    state TEXT NOT NULL
        CHECK (state IN ('running', 'stopping', 'finished')),
    result TEXT
        CHECK (result IN ('success', 'warnings', 'failure', 'error', 'cancelled')),
    state_text TEXT NOT NULL,
    folder TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    cancel_at BIGINT,
    cancel_by TEXT,
    UNIQUE (builder_id, number)
);
CREATE INDEX builds_by_state ON builds (state);
CREATE INDEX builds_by_agent_id_id ON builds (agent_id, id);
CREATE INDEX builds_by_builder_id_id ON builds (builder_id, id);
CREATE INDEX builds_by_result_id ON builds (result, id);

CREATE TABLE build_properties (
    build_id BIGINT NOT NULL REFERENCES builds (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (build_id, name)
);

CREATE TABLE steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    build_id BIGINT NOT NULL REFERENCES builds (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('pending', 'running', 'finished')),
    result TEXT
        CHECK (result IN ('success', 'warnings', 'failure', 'error', 'cancelled', 'skipped')),
    state_text TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    UNIQUE (build_id, position)
);

CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    step_id BIGINT NOT NULL REFERENCES steps (id),
    name TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('open', 'closed')),
    bytes BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    path TEXT NOT NULL,
    compressed BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX logs_by_step_id ON logs (step_id);

CREATE TABLE commands (
    id TEXT NOT NULL PRIMARY KEY,
    step_id BIGINT NOT NULL REFERENCES steps (id),
    agent_id BIGINT NOT NULL REFERENCES agents (id),
    log_id BIGINT NOT NULL REFERENCES logs (id),
    arguments TEXT NOT NULL,
    digest TEXT NOT NULL,
    generation BIGINT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('leased', 'finished', 'forgotten')),
    journal_offset BIGINT NOT NULL,
    journal_hash TEXT,
    result TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX commands_by_agent_id_state ON commands (agent_id, state);
CREATE INDEX commands_by_step_id ON commands (step_id);

CREATE TABLE blobs (
    sha256 TEXT NOT NULL PRIMARY KEY,
    sha1 TEXT NOT NULL,
    sha512 TEXT NOT NULL,
    size BIGINT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('live', 'condemned', 'gone', 'corrupt')),
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    build_id BIGINT NOT NULL REFERENCES builds (id),
    step_id BIGINT NOT NULL REFERENCES steps (id),
    name TEXT NOT NULL,
    blob_sha256 TEXT NOT NULL REFERENCES blobs (sha256),
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (build_id, name)
);

CREATE INDEX artifacts_by_blob_sha256 ON artifacts (blob_sha256);

CREATE TABLE products (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    branch_id BIGINT NOT NULL REFERENCES branches (id),
    target TEXT NOT NULL,
    version TEXT NOT NULL,
    feed_version TEXT,
    seq_position BIGINT NOT NULL,
    seq_build BIGINT NOT NULL,
    build_id BIGINT REFERENCES builds (id),
    builder TEXT NOT NULL,
    build_number BIGINT NOT NULL,
    revision TEXT NOT NULL,
    runtime_name TEXT,
    runtime_spec TEXT,
    state TEXT NOT NULL
        CHECK (state IN ('recorded', 'candidate', 'released', 'superseded', 'withdrawn', 'expired', 'deleted')),
    state_reason TEXT NOT NULL,
    row_version BIGINT NOT NULL,
    went_backwards BOOLEAN NOT NULL,
    built_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL
);
CREATE INDEX products_by_build_id ON products (build_id);
CREATE INDEX products_by_project_id_branch_id_target_seq_position_seq_build ON products (project_id, branch_id, target, seq_position, seq_build);

CREATE TABLE product_files (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    blob_sha256 TEXT NOT NULL REFERENCES blobs (sha256),
    size BIGINT NOT NULL,
    source_path TEXT NOT NULL,
    UNIQUE (product_id, name)
);
CREATE INDEX product_files_by_blob_sha256 ON product_files (blob_sha256);

CREATE TABLE product_revisions (
    product_id BIGINT NOT NULL REFERENCES products (id),
    codebase TEXT NOT NULL,
    repository TEXT NOT NULL,
    branch TEXT NOT NULL,
    revision TEXT NOT NULL,
    PRIMARY KEY (product_id, codebase)
);

CREATE TABLE product_properties (
    product_id BIGINT NOT NULL REFERENCES products (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (product_id, name)
);
CREATE INDEX product_properties_by_name_value ON product_properties (name, value);

CREATE TABLE holds (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    kind TEXT NOT NULL
        CHECK (kind IN ('keep', 'pin', 'release', 'legal', 'dependency', 'update_root')),
    reason TEXT NOT NULL,
    owner_id BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    until_at BIGINT,
    lifted_at BIGINT,
    lifted_by BIGINT REFERENCES users (id),
    lift_reason TEXT
);
CREATE INDEX holds_by_product_id ON holds (product_id);

CREATE TABLE events (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    builder_id BIGINT,
    build_id BIGINT,
    product_id BIGINT,
    agent_id BIGINT,
    detail TEXT NOT NULL
);
CREATE INDEX events_by_build_id_seq ON events (build_id, seq);

CREATE TABLE cursors (
    name TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    event_seq BIGINT NOT NULL REFERENCES events (seq),
    notify TEXT NOT NULL,
    kind TEXT NOT NULL,
    build_id BIGINT REFERENCES builds (id),
    receiver TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
        CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    UNIQUE (event_seq, notify, receiver)
);
CREATE INDEX outbox_by_state_next_at ON outbox (state, next_at);
CREATE INDEX outbox_by_build_id ON outbox (build_id);

INSERT INTO counters (name, value) VALUES ('event', 0);
