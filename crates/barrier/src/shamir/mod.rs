//! Shamir's secret sharing over GF(2^8) with the polynomial 0x11b, one polynomial per byte. A share is the y bytes
//! followed by its x coordinate, as Vault and OpenBao print them. Must never branch on, or index by, secret bytes
//! (CVE-2023-25000).

mod gf256;

use strongroom_types::{Rng, SecretBytes};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Error, Result};

/// Most shares that a key can be split into: x coordinates are 1 to 255.
pub const SHARES_MAX: u8 = 255;

/// Splits a secret so that any `threshold` of the `shares` parts give it back and fewer say nothing about it.
/// `2 <= threshold <= shares`. Errors: `InvalidShape`.
pub fn split(secret: &SecretBytes, shares: u8, threshold: u8, rng: &dyn Rng) -> Result<Vec<SecretBytes>> {
    check_shape(secret, shares, threshold)?;
    // One row per coefficient above the constant term, which is the secret.
    let mut rows: Vec<Zeroizing<Vec<u8>>> = Vec::with_capacity(usize::from(threshold));
    for _ in 1..threshold {
        let mut row = Zeroizing::new(vec![0u8; secret.len()]);
        rng.fill(&mut row);
        rows.push(row);
    }
    Ok((1..=shares).map(|x| share_at(x, secret, &rows)).collect())
}

fn check_shape(secret: &SecretBytes, shares: u8, threshold: u8) -> Result<()> {
    if secret.is_empty() {
        return Err(Error::InvalidShape("cannot split an empty secret"));
    }
    if threshold < 2 {
        return Err(Error::InvalidShape("threshold must be at least 2"));
    }
    if shares < threshold {
        return Err(Error::InvalidShape("parts cannot be less than threshold"));
    }
    Ok(())
}

/// Horner's rule for all bytes at once. The x coordinate is public.
fn share_at(x: u8, secret: &SecretBytes, rows: &[Zeroizing<Vec<u8>>]) -> SecretBytes {
    // The exact capacity: a growing vector would leave copies behind.
    let mut y = Vec::with_capacity(secret.len().saturating_add(1));
    y.resize(secret.len(), 0u8);
    let below = rows.iter().rev().map(|row| row.as_slice());
    for coefficients in below.chain([secret.expose()]) {
        for (y, c) in y.iter_mut().zip(coefficients) {
            *y = gf256::mul(*y, x) ^ c;
        }
    }
    y.push(x);
    SecretBytes::new(y)
}

/// Gives the secret back from at least two shares of equal length. With too few or foreign shares the result is
/// some other value: the caller must be able to tell. Errors: `InvalidShare` for lengths, x of zero or twice the same x.
pub fn combine(shares: &[SecretBytes]) -> Result<SecretBytes> {
    let points = points(shares)?;
    let length = points.first().map_or(0, |(y, _)| y.len());
    let mut secret = vec![0u8; length];
    for (y, x) in &points {
        let mut weight = lagrange_at_zero(*x, &points);
        for (s, y) in secret.iter_mut().zip(*y) {
            *s ^= gf256::mul(weight, *y);
        }
        weight.zeroize();
    }
    Ok(SecretBytes::new(secret))
}

/// Shares as (y bytes, x).
fn points(shares: &[SecretBytes]) -> Result<Vec<(&[u8], u8)>> {
    if shares.len() < 2 {
        return Err(Error::InvalidShare("less than two parts cannot be used to reconstruct the secret"));
    }
    let length = shares.first().map_or(0, SecretBytes::len);
    let mut seen = [false; 256];
    let mut points = Vec::with_capacity(shares.len());
    for share in shares {
        let Some((x, y)) = share.expose().split_last().filter(|(_, y)| !y.is_empty()) else {
            return Err(Error::InvalidShare("parts must be at least two bytes"));
        };
        if share.len() != length {
            return Err(Error::InvalidShare("all parts must be the same length"));
        }
        let taken = seen.get_mut(usize::from(*x)).filter(|taken| *x != 0 && !**taken);
        *taken.ok_or(Error::InvalidShare("duplicate part detected"))? = true;
        points.push((y, *x));
    }
    Ok(points)
}

/// The weight of the point at `x` when the polynomial is read at zero. x coordinates are public and differ.
fn lagrange_at_zero(x: u8, points: &[(&[u8], u8)]) -> u8 {
    let others = points.iter().map(|(_, other)| *other).filter(|other| *other != x);
    others.fold(1, |weight, other| gf256::mul(weight, gf256::mul(other, gf256::invert(other ^ x))))
}

#[cfg(test)]
mod tests;
