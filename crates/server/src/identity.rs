//! Secrets: made of the system's randomness, kept only as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A hash by which a token or secret is known.
pub(crate) type Hash = [u8; 32];

/// 256 random bits as 43 URL-safe characters.
///
/// # Errors
/// The system has no randomness to give.
pub(crate) fn fresh_token() -> Result<String, getrandom::Error> {
    let mut bits = [0u8; 32];
    getrandom::fill(&mut bits)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// SHA-256: enough for 256 random bits, which nobody can guess from a hash.
pub(crate) fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}
