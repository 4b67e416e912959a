//! Random sequences against a model that keeps everything in lists.

use serde_json::json;
use strongroom_testkit::TestServer;

use super::{accounts, lookup, server, soon};

/// The naive model: all leases in a list, all times in whole seconds.
#[derive(Default)]
struct Model {
    now_s: u64,
    /// Text and end; None once revoked.
    tokens: Vec<(String, Option<u64>)>,
    leases: Vec<Modelled>,
}

struct Modelled {
    id: String,
    token: usize,
    role: u32,
    end_s: u64,
    last_s: u64,
}

impl Model {
    fn is_live(&self, lease: &Modelled) -> bool {
        self.now_s < lease.end_s && self.tokens[lease.token].1.is_some_and(|end| self.now_s < end)
    }

    async fn step(&mut self, server: &TestServer, random: &mut impl rand::Rng) {
        let picked = (!self.leases.is_empty()).then(|| random.random_range(0..self.leases.len()));
        match (random.random_range(0..10), picked) {
            (0..4, _) | (_, None) => self.issue(server, random).await,
            (4 | 5, Some(n)) => {
                let (lease, wanted) = (&self.leases[n], random.random_range(1..30) * 100);
                let body = json!({ "lease_id": lease.id, "increment": wanted });
                let renewed = server.call("POST sys/leases/renew", "root", body).await;
                assert_eq!(renewed.status == 200, self.is_live(lease), "{:?}", renewed.body);
                if renewed.status == 200 {
                    self.leases[n].end_s = (self.now_s + wanted).min(self.leases[n].last_s);
                }
            }
            (6, Some(n)) => {
                let sync = random.random_bool(0.5);
                let body = json!({ "lease_id": self.leases[n].id, "sync": sync });
                assert_eq!(server.call("POST sys/leases/revoke", "root", body).await.status, 204);
                self.leases[n].end_s = 0;
            }
            (7, Some(n)) => {
                let token = self.leases[n].token;
                server.call("POST auth/token/revoke", "root", json!({ "token": self.tokens[token].0 })).await;
                self.tokens[token].1 = None;
            }
            (8, Some(n)) => {
                let role = self.leases[n].role;
                let body = json!({ "sync": random.random_bool(0.5) });
                let path = format!("POST sys/leases/revoke-prefix/l/creds/{role}");
                assert_eq!(server.call(&path, "root", body).await.status, 204);
                self.leases.iter_mut().filter(|lease| lease.role == role).for_each(|lease| lease.end_s = 0);
            }
            _ => {
                let s = random.random_range(1..10) * 100;
                server.clock.advance_s(s);
                self.now_s += s;
                for tidy in ["POST auth/token/tidy", "POST sys/leases/tidy"] {
                    assert_eq!(server.call(tidy, "root", json!(null)).await.status, 202);
                }
            }
        }
    }

    async fn issue(&mut self, server: &TestServer, random: &mut impl rand::Rng) {
        if self.tokens.is_empty() || random.random_bool(0.3) {
            let ttl = random.random_range(1..40) * 100;
            let text = server.token(json!({ "policies": ["root"], "ttl": ttl })).await;
            self.tokens.push((text, Some(self.now_s + ttl)));
        }
        let (token, role) = (random.random_range(0..self.tokens.len()), random.random_range(0..4));
        let (ttl, max) = (random.random_range(1..20) * 100, random.random_range(1..40) * 100);
        let path = format!("POST l/creds/{role}");
        let made = server.call(&path, &self.tokens[token].0, json!({ "ttl": ttl, "max_ttl": max })).await;
        assert_eq!(made.status == 200, self.tokens[token].1.is_some_and(|end| self.now_s < end), "{:?}", made.body);
        if made.status == 200 {
            let (end_s, last_s) = (self.now_s + ttl.min(max), self.now_s + max);
            self.leases.push(Modelled { id: made.text("/lease_id"), token, role, end_s, last_s });
        }
    }

    async fn check(&self, server: &TestServer) {
        let live = self.leases.iter().filter(|lease| self.is_live(lease)).count();
        soon("as many accounts as live leases", async || accounts(server, "l").await == live).await;
        for lease in &self.leases {
            let is_there = lookup(server, &lease.id).await.status == 200;
            assert_eq!(is_there, self.is_live(lease), "{} ends at {}, now {}", lease.id, lease.end_s, self.now_s);
        }
        let counted = server.call("GET sys/leases/count?type=all", "root", json!(null)).await;
        assert_eq!(counted.at("/data/lease_count"), json!(live));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_sequences_end_as_the_naive_model_says() {
    for seed in 0..8 {
        let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
        let (server, mut model) = (server().await, Model::default());
        for step in 0..60 {
            model.step(&server, &mut random).await;
            if step % 20 == 0 {
                model.check(&server).await;
            }
        }
        model.check(&server).await;
    }
}
