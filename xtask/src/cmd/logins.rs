//! `cargo xtask logins`: by hand, on a quiet machine. Failed logins of known and of unknown names are timed in random order
//! and compared as dudect does: Welch's t of what is left when the slowest tenth is cut off. Tests count the work instead,
//! because a clock in a test fails for reasons of its own.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::api::Api;
use crate::args::Args;
use crate::server::{Plan, Server};
use crate::{Tally, build, place};

/// Logins of each class.
const SAMPLES: usize = 1_000;
/// Beyond this the classes can be told apart (dudect's threshold).
const T_MAX: f64 = 4.5;
/// Names of each class: what one name does to a cache must not decide.
const NAMES: usize = 8;

pub fn run(args: &Args) -> Result<Tally> {
    let samples = args.number("samples", SAMPLES)?;
    let seed = args.number("seed", rand::random::<u32>().into())?;
    let bin = build::chosen(args, "ci")?;
    args.finish()?;
    let (dir, mut rng) = (place::work_dir("logins")?, StdRng::seed_from_u64(seed));
    let plan = Plan::new(&bin, dir.path())?;
    let server = Server::start(&plan)?;
    let keys = server.init()?;
    let api = server.api(&keys.root);
    let stranger = api.with_token("");
    let mut tally = Tally::default();

    let wrong = users(&api)?;
    let empty = |known| Attempt { body: json!({ "password": "" }), ..wrong(known, 0) };
    let control = compare("control, unknown names without a password", &stranger, &mut rng, samples / 4, &|known, n| {
        if known { wrong(true, n) } else { empty(false) }
    })?;
    ensure!(control.abs() > T_MAX, "the rig does not see that an empty password is refused sooner: t = {control:.1}");
    for (what, attempt) in [("userpass", &wrong as &dyn Fn(bool, usize) -> Attempt), ("approle", &roles(&api)?)] {
        let t = compare(what, &stranger, &mut rng, samples, attempt)?;
        let is_same = t.abs() < T_MAX;
        println!("logins {what}: t = {t:.2}, {}", if is_same { "not told apart" } else { "TOLD APART" });
        tally.add(Tally { passed: is_same.into(), failed: (!is_same).into() });
    }
    println!("logins: {samples} of each class; --seed {seed}");
    Ok(tally)
}

/// One login that must fail.
struct Attempt {
    path: String,
    body: Value,
}

/// Nobody is locked here: a thousand guesses at one name are what the rig is about.
fn enable(api: &Api, method: &str) -> Result<()> {
    api.must("POST", &format!("sys/auth/{method}"), Some(&json!({ "type": method })))?;
    let off = json!({ "user_lockout_config": { "lockout_disable": true } });
    api.must("POST", &format!("sys/auth/{method}/tune"), Some(&off)).map(|_| ())
}

fn users(api: &Api) -> Result<impl Fn(bool, usize) -> Attempt + use<>> {
    enable(api, "userpass")?;
    for n in 0..NAMES {
        api.must("POST", &format!("auth/userpass/users/known{n:04}"), Some(&json!({ "password": "right" })))?;
    }
    Ok(|known: bool, n: usize| Attempt {
        path: format!("auth/userpass/login/{}{n:04}", if known { "known" } else { "nobod" }),
        body: json!({ "password": "wrong" }),
    })
}

fn roles(api: &Api) -> Result<impl Fn(bool, usize) -> Attempt + use<>> {
    enable(api, "approle")?;
    let mut ids = Vec::new();
    for n in 0..NAMES {
        api.must("POST", &format!("auth/approle/role/known{n}"), Some(&json!({})))?;
        let id = api.must("GET", &format!("auth/approle/role/known{n}/role-id"), None)?;
        ids.push(id["data"]["role_id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(move |known: bool, n: usize| {
        // An unknown id looks like a known one.
        let id = if known { ids[n].clone() } else { ids[n].chars().rev().collect() };
        Attempt { path: "auth/approle/login".to_owned(), body: json!({ "role_id": id, "secret_id": "wrong" }) }
    })
}

/// Welch's t of the times of both classes.
fn compare(what: &str, api: &Api, rng: &mut StdRng, samples: usize, attempt: &dyn Fn(bool, usize) -> Attempt) -> Result<f64> {
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..NAMES * 4 {
        time(api, &attempt(true, rng.random_range(0..NAMES)))?;
    }
    while times.iter().any(|class| class.len() < samples) {
        let known: bool = rng.random();
        let took = time(api, &attempt(known, rng.random_range(0..NAMES)))?;
        times[usize::from(known)].push(took.as_secs_f64() * 1e6);
    }
    let [unknown, known] = times.map(quickest);
    println!("  {what}: {:.0} us for known names, {:.0} us for unknown ones (medians)", median(&known), median(&unknown));
    Ok(welch(&known, &unknown))
}

fn time(api: &Api, attempt: &Attempt) -> Result<Duration> {
    let started = Instant::now();
    let answer = api.call("POST", &attempt.path, Some(&attempt.body))?;
    let took = started.elapsed();
    ensure!(answer.status == 400, "{}: {} {}", attempt.path, answer.status, answer.text());
    Ok(took)
}

/// Sorted, without the slowest tenth: what a busy machine adds.
fn quickest(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_unstable_by(f64::total_cmp);
    times.truncate((times.len() * 9).div_ceil(10));
    times
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn welch(a: &[f64], b: &[f64]) -> f64 {
    let facts = |x: &[f64]| {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (facts(a), facts(b));
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistic_tells_different_means_apart_and_not_equal_ones() {
        let around = |mean: f64| (0..1_000).map(move |n| mean + f64::from(n % 10)).collect::<Vec<_>>();
        assert!(welch(&around(100.0), &around(100.0)).abs() < 0.01);
        assert!(welch(&around(101.0), &around(100.0)) > T_MAX);
        assert_eq!(quickest(vec![9.0, 1.0, 5.0, 3.0, 2.0, 4.0, 6.0, 7.0, 8.0, 10.0]).last(), Some(&9.0));
    }
}
