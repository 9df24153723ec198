//! Password hashes imported from other systems. They are accepted until a login or a reset replaces
//! them with an Argon2id hash.
//!
//! | stored as | made by |
//! |---|---|
//! | `$pbkdf2-sha256$i=…,l=…$salt$hash`, `$pbkdf2-sha512$…` | PBKDF2 in PHC strings |
//! | `$2a$…`, `$2b$…`, `$2y$…` | bcrypt |
//! | `$aspnet-membership-ALGORITHM$SALT$HASH` | `SqlMembershipProvider`, its columns `PasswordSalt` and `Password`; `ALGORITHM` is `sha1`, `sha256`, `sha512`, `hmacsha256` or `hmacsha512` |
//! | `$aspnet-identity$HASH` | ASP.NET Identity 2 and ASP.NET Core Identity, the column `PasswordHash` |
//! | `$servicestack-sha256$SALT$HASH` | ServiceStack's `SaltedHash`, the columns `Salt` and `PasswordHash` |
//!
//! `SALT` and `HASH` are Base64 with padding, as in the columns of the other system.

use argon2::password_hash::phc::{Output, PasswordHash};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pbkdf2::pbkdf2_hmac;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString as Secret};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::error::HashError;
use crate::membership::Membership;

/// The maximum number of iterations of PBKDF2: three times what OWASP recommends, and less than a
/// second of work.
const MAX_ITERATIONS: u32 = 2_000_000;
/// The maximum cost of bcrypt: about a second of work.
const MAX_BCRYPT_COST: u32 = 14;
/// The shortest salt and hash that ASP.NET Core Identity accepts, in bytes.
const MIN_IDENTITY_LENGTH: usize = 16;
/// The fixed parameters of ASP.NET Identity 2, which is PBKDF2 with HMAC-SHA1.
const IDENTITY_2_ITERATIONS: u32 = 1_000;
const IDENTITY_2_SALT_LENGTH: usize = 16;
const IDENTITY_2_HASH_LENGTH: usize = 32;

/// A parsed hash of another system.
pub(crate) enum Imported {
    /// The whole string, which the crate `bcrypt` parses.
    Bcrypt(Secret),
    /// All other formats: a salt, a hash, and the scheme that computed it.
    Salted {
        scheme: Scheme,
        salt: Vec<u8>,
        hash: Output,
    },
}

/// A way to compute a hash from a password and a salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// PBKDF2 (RFC 8018, section 5.2).
    Pbkdf2 { prf: Prf, iterations: u32 },
    /// An algorithm of ASP.NET Membership.
    Membership(Membership),
    /// SHA-256 of the password in UTF-8 and the salt.
    SaltedHash,
}

/// The HMAC that PBKDF2 iterates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

impl Imported {
    /// Parses a stored hash; `None` if it is in none of these formats.
    pub(crate) fn parse(stored: &str) -> Result<Option<Self>, HashError> {
        let Some((identifier, rest)) = stored.strip_prefix('$').and_then(|s| s.split_once('$'))
        else {
            return Ok(None);
        };
        match identifier {
            "2a" | "2b" | "2y" => bcrypt_string(stored),
            "pbkdf2-sha256" => pbkdf2_string(stored, Prf::Sha256),
            "pbkdf2-sha512" => pbkdf2_string(stored, Prf::Sha512),
            "aspnet-identity" => identity(rest),
            "servicestack-sha256" => salt_and_hash(rest, Scheme::SaltedHash),
            _ => match Membership::from_identifier(identifier) {
                Some(membership) => salt_and_hash(rest, Scheme::Membership(membership)),
                None => return Ok(None),
            },
        }
        .map(Some)
    }

    /// The name of the algorithm.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Bcrypt(_) => "bcrypt",
            Self::Salted { scheme, .. } => scheme.name(),
        }
    }

    /// Whether `password` matches the hash. Hashes are compared in constant time.
    pub(crate) fn matches(&self, password: &Secret) -> bool {
        match self {
            Self::Bcrypt(stored) => {
                bcrypt::verify(password.expose_secret(), stored.expose_secret()).unwrap_or(false)
            }
            Self::Salted { scheme, salt, hash } => {
                let mut found = Zeroizing::new(vec![0; hash.len()]);
                scheme.compute(password.expose_secret(), salt, &mut found);
                // `Output` compares in constant time.
                Output::new(&found).is_ok_and(|found| found == *hash)
            }
        }
    }
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2 { prf, .. } => match prf {
                Prf::Sha1 => "pbkdf2-sha1",
                Prf::Sha256 => "pbkdf2-sha256",
                Prf::Sha512 => "pbkdf2-sha512",
            },
            Self::Membership(membership) => membership.identifier(),
            Self::SaltedHash => "servicestack-sha256",
        }
    }

    /// The length of a hash in bytes, if the scheme has a fixed one.
    fn hash_length(self) -> Option<usize> {
        match self {
            Self::Pbkdf2 { .. } => None,
            Self::Membership(membership) => Some(membership.hash_length()),
            Self::SaltedHash => Some(Sha256::output_size()),
        }
    }

    fn compute(self, password: &str, salt: &[u8], hash: &mut [u8]) {
        let bytes = password.as_bytes();
        match self {
            Self::Pbkdf2 { prf, iterations } => match prf {
                Prf::Sha1 => pbkdf2_hmac::<Sha1>(bytes, salt, iterations, hash),
                Prf::Sha256 => pbkdf2_hmac::<Sha256>(bytes, salt, iterations, hash),
                Prf::Sha512 => pbkdf2_hmac::<Sha512>(bytes, salt, iterations, hash),
            },
            Self::Membership(membership) => membership.compute(password, salt, hash),
            Self::SaltedHash => {
                let digest = Sha256::new().chain_update(bytes).chain_update(salt);
                hash.copy_from_slice(&digest.finalize());
            }
        }
    }

    fn with(self, salt: &[u8], hash: &[u8]) -> Result<Imported, HashError> {
        if self
            .hash_length()
            .is_some_and(|length| length != hash.len())
        {
            return Err(HashError::Unreadable);
        }
        Ok(Imported::Salted {
            scheme: self,
            salt: salt.to_vec(),
            hash: Output::new(hash).map_err(|_| HashError::Unreadable)?,
        })
    }
}

fn bcrypt_string(stored: &str) -> Result<Imported, HashError> {
    let parts: bcrypt::HashParts = stored.parse().map_err(|_| HashError::Unreadable)?;
    if parts.get_cost() > MAX_BCRYPT_COST {
        return Err(HashError::TooCostly);
    }
    Ok(Imported::Bcrypt(Secret::from(stored)))
}

fn pbkdf2_string(stored: &str, prf: Prf) -> Result<Imported, HashError> {
    let phc = PasswordHash::new(stored).map_err(|_| HashError::Unreadable)?;
    let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else {
        return Err(HashError::Unreadable);
    };
    let is_whole = phc
        .params
        .get_decimal("l")
        .is_none_or(|length| length as usize == hash.len());
    let iterations = phc.params.get_decimal("i").filter(|_| is_whole);
    pbkdf2(prf, iterations.ok_or(HashError::Unreadable)?)?.with(&salt, hash.as_bytes())
}

fn pbkdf2(prf: Prf, iterations: u32) -> Result<Scheme, HashError> {
    match iterations {
        0 => Err(HashError::Unreadable),
        1..=MAX_ITERATIONS => Ok(Scheme::Pbkdf2 { prf, iterations }),
        _ => Err(HashError::TooCostly),
    }
}

fn salt_and_hash(text: &str, scheme: Scheme) -> Result<Imported, HashError> {
    let (salt, hash) = text.split_once('$').ok_or(HashError::Unreadable)?;
    let salt = base64(salt)?;
    // No other system has empty salts: this one was lost before the import.
    if salt.is_empty() {
        return Err(HashError::Unreadable);
    }
    scheme.with(&salt, &base64(hash)?)
}

/// Parses a hash of ASP.NET Core's `PasswordHasher`. The first byte tells which of two layouts
/// follows; all numbers are big-endian.
///
/// - 0: salt, hash
/// - 1: PRF, iterations, length of the salt, salt, hash
fn identity(text: &str) -> Result<Imported, HashError> {
    let bytes = base64(text)?;
    match bytes.split_first() {
        Some((0, rest)) if rest.len() == IDENTITY_2_SALT_LENGTH + IDENTITY_2_HASH_LENGTH => {
            let (salt, hash) = rest.split_at(IDENTITY_2_SALT_LENGTH);
            pbkdf2(Prf::Sha1, IDENTITY_2_ITERATIONS)?.with(salt, hash)
        }
        Some((1, rest)) => identity_3(rest).ok_or(HashError::Unreadable)?,
        _ => Err(HashError::Unreadable),
    }
}

fn identity_3(bytes: &[u8]) -> Option<Result<Imported, HashError>> {
    let (prf, rest) = big_endian(bytes)?;
    let (iterations, rest) = big_endian(rest)?;
    let (salt_length, rest) = big_endian(rest)?;
    let (salt, hash) = rest.split_at_checked(salt_length as usize)?;
    let prf = match prf {
        0 => Prf::Sha1,
        1 => Prf::Sha256,
        2 => Prf::Sha512,
        _ => return None,
    };
    let is_long_enough = salt.len().min(hash.len()) >= MIN_IDENTITY_LENGTH;
    is_long_enough.then(|| pbkdf2(prf, iterations)?.with(salt, hash))
}

fn big_endian(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn base64(text: &str) -> Result<Vec<u8>, HashError> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|_| HashError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stored: &str) -> Result<Imported, HashError> {
        Imported::parse(stored).map(|imported| imported.expect(stored))
    }

    fn matches(stored: &str, password: &str) -> bool {
        parse(stored).unwrap().matches(&Secret::from(password))
    }

    /// Made with Python's `hashlib` (`pbkdf2_hmac`, `sha1`, `sha256`) and the `bcrypt` package, for
    /// a password that is not the same in UTF-8, UTF-16 and Latin-1.
    #[test]
    fn verifies_hashes_made_by_other_libraries() {
        for stored in [
            "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
            "$pbkdf2-sha256$i=1000$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
            "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw\
             $Zg1w1qb6v2ptXIVKSQfipfjXE2ZzwZothqiN3/rgvxc9qlh6hewN5Lan2pov1bfLzvQlwx9kbh/VydFZKd9T8w",
            "$2a$04$mxJ.5o2m4Sb0.0URo8W8DOUhS8d/5cvxHpW0i0w0nOW9zI/EYOiDC",
            "$2b$04$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
            "$2y$04$IMJJDzdSw7cu1sodZfe55.6/KqHprw0tLqopegA9FlIiAeAAyad3a",
            "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=",
            "$servicestack-sha256$3q2+7w==$ZmIyiBp2uZP0iHjnP4+RQw59Nx3M+QVVHINasaUSu8s=",
        ] {
            assert!(matches(stored, "Pässwörd 1 €"), "{stored}");
            assert!(!matches(stored, "Pässwörd 1"), "{stored}");
            assert!(!matches(stored, ""), "{stored}");
        }
    }

    /// Hashes from the tests of ASP.NET Core's `PasswordHasher`: version 2, and version 3 with each
    /// PRF.
    #[test]
    fn verifies_hashes_of_aspnet_identity() {
        for hash in [
            "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
            "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M",
            "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
            "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        ] {
            let stored = format!("$aspnet-identity${hash}");
            assert!(matches(&stored, "my password"), "{stored}");
            assert!(!matches(&stored, "my passwore"), "{stored}");
        }
        for wrong in [
            "AAABAgMEBQYHCAkKCwwNDg+uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALtH1uJg==",
            "AQAAAAAAAAD6AAAAEAhftMyfTJyAAAAAAAAAAAAAAAAAAAih5WsjXaR3PA9M",
        ] {
            assert!(!matches(
                &format!("$aspnet-identity${wrong}"),
                "my password"
            ));
        }
    }

    /// The first vector, of HMACSHA256, is Umbraco's. All others were made with Python's `hashlib`
    /// and `hmac`, with the password in UTF-16LE: `sha256(salt + password)`, or an HMAC with the
    /// key `(salt * n)[:n]`, where `n` is the length of a block. Their salts are shorter than the
    /// key, as long as it, and longer.
    #[test]
    fn verifies_hashes_of_aspnet_membership() {
        let stored = "$aspnet-membership-hmacsha256$uB/pLEhhe1W7EtWMv/pSgg==\
                      $1y8+aso9+h3AKRtJXlVYeg2TZKJUr64hccj82ZZ7Ksk=";
        assert!(matches(stored, "Umbraco9Rocks!"));
        assert!(!matches(stored, "Umbraco9Rocks"));
        for stored in [
            "$aspnet-membership-sha256$AAECAwQFBgcICQoLDA0ODw==$VWRHh4uV0CPe0RD4QN8VPL92e6zKDtjTNmMmWnzYRwE=",
            "$aspnet-membership-hmacsha256$AAECAwQFBgcICQoLDA0ODw==$2AFwGt1tOAHTVnQOSH6Cg24gERuiXFHF3/8RofGxovw=",
            "$aspnet-membership-hmacsha256$AAECAwQFBgcICQoLDA0ODxAREhMUFRYX$McGhTFfb0lNm9XPbvk+Sz1jxLDOD+It0p2IAXajUkqw=",
            "$aspnet-membership-hmacsha256$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$jYMLKchEjFMM2DHyxDdFb4iHNkWGF9XUv+uZmE41paY=",
            "$aspnet-membership-hmacsha256$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSA==$jYMLKchEjFMM2DHyxDdFb4iHNkWGF9XUv+uZmE41paY=",
            "$aspnet-membership-sha512$AAECAwQFBgcICQoLDA0ODw==$GbfuvS0sV3FEKH/Dk2bOI5oxX6qbutvaGrBKDED3ql8Yc/Sp6qgFx2SIGCZJvxHOytsvvkB9OZEjFPWeNtDXog==",
            "$aspnet-membership-hmacsha512$AAECAwQFBgcICQoLDA0ODw==$0zuIC67t3sy7CjvMPKUQjKlFHeFXZAqnw0AxEzWTHf6XqXkz42EC2v9FcLDY9QpgOII0/SlnMLId5PRXnP7xqg==",
            "$aspnet-membership-hmacsha512$AAECAwQFBgcICQoLDA0ODxAREhMUFRYX$SGgo/7iyG2ww5tudvaFzZW4svviN7S9waJ6oGf2T5u7zmx87/u40aQ1T8+VSihLndtaEj8ePjipHIDVAFXxW/g==",
            "$aspnet-membership-hmacsha512$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn8=$69JWd0gou/SvlON7+SvUSeyfXbssM5GKKTxH2Z0+jVf2wea+1oupkq22SdmbNdEw3gF4qZJBbdvWmi7yIDQEIA==",
            "$aspnet-membership-hmacsha512$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4g=$69JWd0gou/SvlON7+SvUSeyfXbssM5GKKTxH2Z0+jVf2wea+1oupkq22SdmbNdEw3gF4qZJBbdvWmi7yIDQEIA==",
        ] {
            assert!(matches(stored, "Pässwörd 1 €"), "{stored}");
            assert!(!matches(stored, "Pässwörd 1"), "{stored}");
            assert!(!matches(stored, ""), "{stored}");
        }
    }

    /// bcrypt uses only the first 72 bytes.
    #[test]
    fn bcrypt_hashes_of_long_passwords_verify() {
        let stored = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
        assert!(matches(stored, &"x".repeat(72)));
        assert!(matches(stored, &"x".repeat(100)));
        assert!(!matches(stored, &"x".repeat(71)));
    }

    #[test]
    fn unreadable_hashes_are_refused() {
        for stored in [
            "$2b$04$short",
            "$2b$xx$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
            "$pbkdf2-sha256$i=0,l=32$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
            "$pbkdf2-sha256$i=1000,l=31$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
            "$pbkdf2-sha256$l=32$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
            "$pbkdf2-sha256$i=1000$AAECAwQFBgcICQoLDA0ODw",
            "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==",
            "$aspnet-membership-sha1$not base64$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=",
            "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$AAECAwQFBgcICQoLDA0ODw==",
            "$aspnet-membership-sha1$$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=",
            "$aspnet-membership-hmacsha256$$2AFwGt1tOAHTVnQOSH6Cg24gERuiXFHF3/8RofGxovw=",
            "$aspnet-membership-hmacsha512$AA==$2AFwGt1tOAHTVnQOSH6Cg24gERuiXFHF3/8RofGxovw=",
            "$aspnet-membership-sha512$AA==$2AFwGt1tOAHTVnQOSH6Cg24gERuiXFHF3/8RofGxovw=",
            "$servicestack-sha256$$ZmIyiBp2uZP0iHjnP4+RQw59Nx3M+QVVHINasaUSu8s=",
            "$servicestack-sha256$3q2+7w==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=",
            "$aspnet-identity$",
            "$aspnet-identity$AgAA",
            // Examples from Microsoft's tests: one too short, one with trailing data.
            "$aspnet-identity$AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggE=",
            "$aspnet-identity$AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJgAAAAAAAAAAAAA=",
            "$aspnet-identity$AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4A=",
            // PRF 3, then a salt length beyond the end of the data.
            "$aspnet-identity$AQAAAAMAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
            "$aspnet-identity$AQAAAAIAAAAyAAAA/+Mwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        ] {
            assert_eq!(parse(stored).err(), Some(HashError::Unreadable), "{stored}");
        }
    }

    #[test]
    fn excessive_work_is_refused() {
        for stored in [
            "$2b$15$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
            "$pbkdf2-sha256$i=2000001$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
            "$aspnet-identity$AQAAAAL/////AAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
        ] {
            assert_eq!(parse(stored).err(), Some(HashError::TooCostly), "{stored}");
        }
    }

    #[test]
    fn the_most_work_that_is_allowed_is_done() {
        for stored in [
            "$2b$14$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
            "$pbkdf2-sha256$i=2000000$AAECAwQFBgcICQoLDA0ODw$7JVVxQmle/vt2y4y0rVzoxqTdOhPxsi8gjw+ffFH/Ng",
        ] {
            assert!(parse(stored).is_ok(), "{stored}");
        }
    }

    #[test]
    fn the_shortest_salt_and_hash_of_aspnet_identity() {
        let stored = |salt: u8, hash: usize| {
            let head = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, salt];
            let bytes = [&head[..], &vec![7; usize::from(salt)], &vec![7; hash]].concat();
            format!("$aspnet-identity${}", BASE64_STANDARD.encode(bytes))
        };
        assert!(parse(&stored(16, 16)).is_ok());
        for (salt, hash) in [(15, 16), (16, 15), (15, 32), (0, 32)] {
            let error = parse(&stored(salt, hash)).err();
            assert_eq!(error, Some(HashError::Unreadable), "{salt} {hash}");
        }
    }

    #[test]
    fn other_formats_are_left_to_argon2() {
        for stored in ["", "plain", "$argon2id$v=19", "$2x$04$", "$1$abc$def"] {
            assert!(matches!(Imported::parse(stored), Ok(None)), "{stored}");
        }
    }
}
