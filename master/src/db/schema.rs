//! The tables as diesel sees them; their SQL is in `master/migrations`. No query lives here.

diesel::table! {
    counters (name) {
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        role -> Text,
        password_hash -> Nullable<Text>,
        disabled -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        token_hash -> Text,
        role -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        object_kind -> Text,
        object_id -> Text,
        outcome -> Text,
        detail -> Text,
    }
}

diesel::table! {
    projects (id) {
        id -> BigInt,
        name -> Text,
        title -> Text,
        created_at -> BigInt,
        private -> Bool,
        feed_keys -> Nullable<Text>,
    }
}

diesel::table! {
    repositories (id) {
        id -> BigInt,
        name -> Text,
        project_id -> BigInt,
        vcs -> Text,
        url -> Text,
        polled_at -> Nullable<BigInt>,
        poll_error -> Nullable<Text>,
    }
}

diesel::table! {
    branches (id) {
        id -> BigInt,
        project_id -> BigInt,
        name -> Text,
        feed_token -> Text,
        state -> Text,
        created_at -> BigInt,
        follows_branch_id -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    heads (repository_id, branch) {
        repository_id -> BigInt,
        branch -> Text,
        revision -> Text,
        position -> BigInt,
        seen_at -> BigInt,
        gone -> Bool,
    }
}

diesel::table! {
    changes (id) {
        id -> BigInt,
        repository_id -> BigInt,
        branch -> Text,
        revision -> Text,
        position -> BigInt,
        author -> Text,
        author_email -> Nullable<Text>,
        message -> Text,
        files -> Text,
        files_total -> BigInt,
        committed_at -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    builders (id) {
        id -> BigInt,
        name -> Text,
        project_id -> BigInt,
        tags -> Text,
        active -> Bool,
        next_number -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    agents (id) {
        id -> BigInt,
        name -> Text,
        key_hex -> Nullable<Text>,
        key_previous_hex -> Nullable<Text>,
        installation -> Nullable<Text>,
        version -> Nullable<Text>,
        os -> Nullable<Text>,
        arch -> Nullable<Text>,
        facts -> Text,
        active -> Bool,
        paused -> Bool,
        created_at -> BigInt,
        connected_at -> Nullable<BigInt>,
        last_seen_at -> Nullable<BigInt>,
        enrolled -> Bool,
        labels -> Text,
        slots -> BigInt,
        status -> Text,
        status_at -> Nullable<BigInt>,
        refuses -> Nullable<Text>,
        missing_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    agent_tokens (id) {
        id -> BigInt,
        public_id -> Text,
        secret_hex -> Nullable<Text>,
        names -> Text,
        labels -> Text,
        slots -> BigInt,
        created_by -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        agent_id -> Nullable<BigInt>,
        installation -> Nullable<Text>,
        settled_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    agent_upgrades (id) {
        id -> BigInt,
        agent_id -> BigInt,
        file -> Text,
        sha256 -> Text,
        size -> BigInt,
        version -> Text,
        state -> Text,
        sent -> BigInt,
        state_text -> Text,
        asked_by -> Text,
        created_at -> BigInt,
        changed_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    schedule_cursors (schedule, repository_id, branch) {
        schedule -> Text,
        repository_id -> BigInt,
        branch -> Text,
        change_id -> BigInt,
    }
}

diesel::table! {
    requests (id) {
        id -> BigInt,
        builder_id -> BigInt,
        schedule -> Nullable<Text>,
        reason -> Text,
        requested_by -> Text,
        priority -> BigInt,
        state -> Text,
        wait_reason -> Text,
        restarts -> BigInt,
        properties -> Text,
        created_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    source_stamps (id) {
        id -> BigInt,
        request_id -> BigInt,
        codebase -> Text,
        repository_id -> BigInt,
        branch -> Text,
        revision -> Text,
        position -> BigInt,
    }
}

diesel::table! {
    request_changes (request_id, change_id) {
        request_id -> BigInt,
        change_id -> BigInt,
    }
}

diesel::table! {
    builds (id) {
        id -> BigInt,
        builder_id -> BigInt,
        number -> BigInt,
        request_id -> BigInt,
        agent_id -> BigInt,
        state -> Text,
        result -> Nullable<Text>,
        state_text -> Text,
        folder -> Text,
        created_at -> BigInt,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        cancel_at -> Nullable<BigInt>,
        cancel_by -> Nullable<Text>,
    }
}

diesel::table! {
    build_properties (build_id, name) {
        build_id -> BigInt,
        name -> Text,
        value -> Text,
        source -> Text,
    }
}

diesel::table! {
    steps (id) {
        id -> BigInt,
        build_id -> BigInt,
        position -> BigInt,
        name -> Text,
        kind -> Text,
        state -> Text,
        result -> Nullable<Text>,
        state_text -> Text,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    logs (id) {
        id -> BigInt,
        step_id -> BigInt,
        name -> Text,
        state -> Text,
        bytes -> BigInt,
        lines -> BigInt,
        path -> Text,
        compressed -> Bool,
        created_at -> BigInt,
        closed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    commands (id) {
        id -> Text,
        step_id -> BigInt,
        agent_id -> BigInt,
        log_id -> BigInt,
        arguments -> Text,
        digest -> Text,
        generation -> BigInt,
        state -> Text,
        journal_offset -> BigInt,
        journal_hash -> Nullable<Text>,
        result -> Nullable<Text>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    blobs (sha256) {
        sha256 -> Text,
        sha1 -> Text,
        sha512 -> Text,
        size -> BigInt,
        state -> Text,
        generation -> BigInt,
        created_at -> BigInt,
        touched_at -> BigInt,
        condemned_at -> Nullable<BigInt>,
        verified_at -> Nullable<BigInt>,
        store -> Text,
    }
}

diesel::table! {
    artifacts (id) {
        id -> BigInt,
        build_id -> BigInt,
        step_id -> BigInt,
        name -> Text,
        blob_sha256 -> Text,
        size -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    products (id) {
        id -> BigInt,
        project_id -> BigInt,
        branch_id -> BigInt,
        target -> Text,
        version -> Text,
        feed_version -> Nullable<Text>,
        seq_position -> BigInt,
        seq_build -> BigInt,
        build_id -> Nullable<BigInt>,
        builder -> Text,
        build_number -> BigInt,
        revision -> Text,
        runtime_name -> Nullable<Text>,
        runtime_spec -> Nullable<Text>,
        state -> Text,
        state_reason -> Text,
        row_version -> BigInt,
        went_backwards -> Bool,
        built_at -> BigInt,
        recorded_at -> BigInt,
        recorded_by -> Text,
        min_os -> Nullable<Text>,
        max_os -> Nullable<Text>,
        notes -> Text,
        verdict -> Text,
        held_until -> BigInt,
        size -> BigInt,
        files_total -> BigInt,
        expired_at -> Nullable<BigInt>,
        expired_from -> Nullable<Text>,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    product_files (id) {
        id -> BigInt,
        product_id -> BigInt,
        role -> Text,
        name -> Text,
        blob_sha256 -> Text,
        size -> BigInt,
        source_path -> Text,
        delta_from_product_id -> Nullable<BigInt>,
        by_name -> Text,
        gone_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    product_revisions (product_id, codebase) {
        product_id -> BigInt,
        codebase -> Text,
        repository -> Text,
        branch -> Text,
        revision -> Text,
    }
}

diesel::table! {
    product_properties (product_id, name) {
        product_id -> BigInt,
        name -> Text,
        value -> Text,
        source -> Text,
    }
}

diesel::table! {
    holds (id) {
        id -> BigInt,
        product_id -> BigInt,
        kind -> Text,
        reason -> Text,
        owner_id -> BigInt,
        created_at -> BigInt,
        until_at -> Nullable<BigInt>,
        lifted_at -> Nullable<BigInt>,
        lifted_by -> Nullable<BigInt>,
        lift_reason -> Nullable<Text>,
        cascade_group -> Nullable<Text>,
        owner_told_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    events (seq) {
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        builder_id -> Nullable<BigInt>,
        build_id -> Nullable<BigInt>,
        product_id -> Nullable<BigInt>,
        agent_id -> Nullable<BigInt>,
        detail -> Text,
    }
}

diesel::table! {
    cursors (name) {
        name -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        event_seq -> BigInt,
        notify -> Text,
        kind -> Text,
        build_id -> Nullable<BigInt>,
        receiver -> Text,
        message_id -> Text,
        state -> Text,
        attempts -> BigInt,
        next_at -> BigInt,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
        sent_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    signatures (id) {
        id -> BigInt,
        product_file_id -> BigInt,
        scheme -> Text,
        key_id -> Text,
        value -> Text,
        trusted_comment -> Text,
        state -> Text,
    }
}

diesel::table! {
    drafts (id) {
        id -> BigInt,
        record -> Text,
        owner -> Text,
        idempotency_key -> Nullable<Text>,
        project -> Text,
        branch -> Text,
        target -> Text,
        version -> Text,
        revision -> Text,
        seq_position -> BigInt,
        build_number -> BigInt,
        state -> Text,
        product_id -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    uploads (id) {
        id -> BigInt,
        draft_id -> BigInt,
        role -> Text,
        name -> Text,
        source_path -> Text,
        declared_sha256 -> Nullable<Text>,
        declared_size -> BigInt,
        received -> BigInt,
        hashes -> Nullable<Text>,
        blob_sha256 -> Nullable<Text>,
        state -> Text,
        state_text -> Text,
        created_at -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    verdicts (id) {
        id -> BigInt,
        product_id -> BigInt,
        user_id -> BigInt,
        verdict -> Text,
        comment -> Text,
        bug -> Nullable<Text>,
        checklist -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    labels (id) {
        id -> BigInt,
        branch_id -> BigInt,
        target -> Text,
        label -> Text,
        product_id -> BigInt,
        set_by -> Text,
        set_at -> BigInt,
    }
}

diesel::table! {
    desks (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Nullable<Text>,
        query -> Text,
        seen_product_id -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    releases (id) {
        id -> BigInt,
        branch_id -> BigInt,
        target -> Text,
        product_id -> BigInt,
        fallback_product_id -> Nullable<BigInt>,
        rollback_of_product_id -> Nullable<BigInt>,
        state -> Text,
        state_reason -> Text,
        rollout_percent -> BigInt,
        rollout_salt -> Text,
        starts_at -> Nullable<BigInt>,
        watershed -> Bool,
        critical -> Bool,
        override_reason -> Text,
        signoffs_needed -> Text,
        row_version -> BigInt,
        created_by -> Text,
        created_at -> BigInt,
        live_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    signoffs (id) {
        id -> BigInt,
        release_id -> BigInt,
        user_id -> BigInt,
        role -> Text,
        comment -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    shutoffs (id) {
        id -> BigInt,
        project_id -> BigInt,
        branch_id -> Nullable<BigInt>,
        reason -> Text,
        created_by -> Text,
        created_at -> BigInt,
        lifted_by -> Nullable<Text>,
        lifted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    update_counts (day, branch_id, target, format, from_version, outcome) {
        day -> BigInt,
        branch_id -> BigInt,
        target -> Text,
        format -> Text,
        from_version -> Text,
        outcome -> Text,
        asked -> BigInt,
    }
}

diesel::table! {
    published_feeds (site, project, feed_token, path) {
        site -> Text,
        project -> Text,
        feed_token -> Text,
        path -> Text,
        sha256 -> Text,
        is_feed -> Bool,
        published_at -> BigInt,
    }
}

diesel::table! {
    retention_plans (id) {
        id -> BigInt,
        state -> Text,
        state_text -> Text,
        policies_sha256 -> Text,
        products_total -> BigInt,
        bytes_total -> BigInt,
        created_by -> Text,
        created_at -> BigInt,
        applied_by -> Nullable<Text>,
        applied_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    retention_items (plan_id, product_id) {
        plan_id -> BigInt,
        product_id -> BigInt,
        row_version -> BigInt,
        policy -> Text,
        rule -> Text,
        bytes -> BigInt,
        result -> Text,
        result_text -> Text,
    }
}

diesel::table! {
    retention_latest (plan_id, branch_id, target) {
        plan_id -> BigInt,
        branch_id -> BigInt,
        target -> Text,
        before_product_id -> Nullable<BigInt>,
        after_product_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    store_figures (day, project_id) {
        day -> BigInt,
        project_id -> BigInt,
        bytes -> BigInt,
        newest_product_id -> BigInt,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(tokens -> users (user_id));
diesel::joinable!(repositories -> projects (project_id));
diesel::joinable!(branches -> projects (project_id));
diesel::joinable!(heads -> repositories (repository_id));
diesel::joinable!(changes -> repositories (repository_id));
diesel::joinable!(builders -> projects (project_id));
diesel::joinable!(schedule_cursors -> repositories (repository_id));
diesel::joinable!(agent_tokens -> agents (agent_id));
diesel::joinable!(agent_upgrades -> agents (agent_id));
diesel::joinable!(requests -> builders (builder_id));
diesel::joinable!(source_stamps -> requests (request_id));
diesel::joinable!(source_stamps -> repositories (repository_id));
diesel::joinable!(request_changes -> requests (request_id));
diesel::joinable!(request_changes -> changes (change_id));
diesel::joinable!(builds -> builders (builder_id));
diesel::joinable!(builds -> requests (request_id));
diesel::joinable!(builds -> agents (agent_id));
diesel::joinable!(build_properties -> builds (build_id));
diesel::joinable!(steps -> builds (build_id));
diesel::joinable!(logs -> steps (step_id));
diesel::joinable!(commands -> steps (step_id));
diesel::joinable!(commands -> agents (agent_id));
diesel::joinable!(commands -> logs (log_id));
diesel::joinable!(artifacts -> builds (build_id));
diesel::joinable!(artifacts -> steps (step_id));
diesel::joinable!(artifacts -> blobs (blob_sha256));
diesel::joinable!(products -> projects (project_id));
diesel::joinable!(products -> branches (branch_id));
diesel::joinable!(products -> builds (build_id));
diesel::joinable!(product_files -> products (product_id));
diesel::joinable!(product_files -> blobs (blob_sha256));
diesel::joinable!(product_revisions -> products (product_id));
diesel::joinable!(product_properties -> products (product_id));
diesel::joinable!(holds -> products (product_id));
diesel::joinable!(holds -> users (owner_id));
diesel::joinable!(outbox -> events (event_seq));
diesel::joinable!(outbox -> builds (build_id));
diesel::joinable!(signatures -> product_files (product_file_id));
diesel::joinable!(uploads -> drafts (draft_id));
diesel::joinable!(verdicts -> products (product_id));
diesel::joinable!(verdicts -> users (user_id));
diesel::joinable!(labels -> branches (branch_id));
diesel::joinable!(labels -> products (product_id));
diesel::joinable!(desks -> users (user_id));
diesel::joinable!(releases -> branches (branch_id));
diesel::joinable!(signoffs -> releases (release_id));
diesel::joinable!(signoffs -> users (user_id));
diesel::joinable!(shutoffs -> projects (project_id));
diesel::joinable!(shutoffs -> branches (branch_id));
diesel::joinable!(update_counts -> branches (branch_id));
diesel::joinable!(retention_items -> retention_plans (plan_id));
diesel::joinable!(retention_items -> products (product_id));
diesel::joinable!(retention_latest -> retention_plans (plan_id));

diesel::allow_tables_to_appear_in_same_query!(
    counters,
    settings,
    users,
    sessions,
    tokens,
    audit,
    projects,
    repositories,
    branches,
    heads,
    changes,
    builders,
    agents,
    agent_tokens,
    agent_upgrades,
    schedule_cursors,
    requests,
    source_stamps,
    request_changes,
    builds,
    build_properties,
    steps,
    logs,
    commands,
    blobs,
    artifacts,
    products,
    product_files,
    product_revisions,
    product_properties,
    holds,
    events,
    cursors,
    outbox,
    signatures,
    drafts,
    uploads,
    verdicts,
    labels,
    desks,
    releases,
    signoffs,
    shutoffs,
    update_counts,
    published_feeds,
    retention_plans,
    retention_items,
    retention_latest,
    store_figures,
);
