//! Many machines with one token.

use super::*;
use crate::app::tests::{START, app};
use crate::auth::Identity;
use crate::db::tests::engines;
use crate::model::Page;
use crate::ops::agent_tokens::{NewToken, create};
use crate::ops::audit;

const CLI: Identity = Identity::Local { name: "cli" };

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_machines_with_one_token_exactly_one_gets_in_and_the_others_are_audited() {
    for test in engines() {
        let app = app(test.db.clone());
        let new = NewToken {
            names: "lab-*".to_owned(),
            labels: Default::default(),
            slots: 1,
        };
        let made = create(&app, &CLI, new).await.unwrap();
        assert!(made.secret.starts_with("wlt1_"), "{}", made.secret);
        let public_id = made.secret.split('_').nth(1).unwrap().to_owned();
        assert!(app.agents.token_secret(&public_id).await.is_some());
        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        let attempts = (0..100).map(|n| {
            let asking = Asking {
                public_id: public_id.clone(),
                name: format!("lab-{n}"),
                installation: format!("i{n}"),
                key_hex: format!("{n:064x}"),
            };
            let agents = app.agents.clone();
            tokio::spawn(async move { agents.store_enrolment(asking, peer).await })
        });
        let attempts: Vec<_> = attempts.collect();
        let mut winners = 0;
        for attempt in attempts {
            winners += usize::from(attempt.await.unwrap());
        }
        assert_eq!(winners, 1);
        let rows = app.db.read("agents", db::agents::list).await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.has_key).count(), 1);
        assert_eq!(rows.len(), 1, "who lost left nothing behind");
        let (mut refused, mut before) = (0, None);
        loop {
            let Page { items, next } = audit::list(&app, &CLI, before).await.unwrap();
            let mine = items.iter().filter(|row| row.action == "agent.enrol");
            refused += mine
                .filter(|row| row.outcome == AuditOutcome::Refused)
                .count();
            before = next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(refused, 99);
        assert!(made.expires_at > START);
    }
}
