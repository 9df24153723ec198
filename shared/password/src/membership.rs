//! The hashes of ASP.NET Membership (`SqlMembershipProvider.EncodePassword` of the .NET Framework).

use pbkdf2::hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// A hash algorithm, as set by `hashAlgorithmType` of `<membership>` or `validation` of
/// `<machineKey>` in web.config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Membership {
    /// `SHA1`, the default before .NET 4.
    Sha1,
    /// `SHA256`.
    Sha256,
    /// `SHA512`.
    Sha512,
    /// `HMACSHA256`, the default of .NET 4.
    HmacSha256,
    /// `HMACSHA512`.
    HmacSha512,
}

impl Membership {
    const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::HmacSha256,
        Self::HmacSha512,
    ];

    /// The algorithm whose imported hashes begin with `$identifier$`.
    pub(crate) fn from_identifier(identifier: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.identifier() == identifier)
    }

    /// The identifier of imported hashes, which is also the name of the algorithm.
    pub(crate) fn identifier(self) -> &'static str {
        match self {
            Self::Sha1 => "aspnet-membership-sha1",
            Self::Sha256 => "aspnet-membership-sha256",
            Self::Sha512 => "aspnet-membership-sha512",
            Self::HmacSha256 => "aspnet-membership-hmacsha256",
            Self::HmacSha512 => "aspnet-membership-hmacsha512",
        }
    }

    /// The length of a hash in bytes.
    pub(crate) fn hash_length(self) -> usize {
        match self {
            Self::Sha1 => Sha1::output_size(),
            Self::Sha256 | Self::HmacSha256 => Sha256::output_size(),
            Self::Sha512 | Self::HmacSha512 => Sha512::output_size(),
        }
    }

    /// Writes the hash of `password` with `salt` to `hash`, which has [`Self::hash_length`] bytes.
    pub(crate) fn compute(self, password: &str, salt: &[u8], hash: &mut [u8]) {
        let utf16 = password.encode_utf16().flat_map(u16::to_le_bytes);
        let utf16 = Zeroizing::new(utf16.collect::<Vec<u8>>());
        match self {
            Self::Sha1 => digest::<Sha1>(&utf16, salt, hash),
            Self::Sha256 => digest::<Sha256>(&utf16, salt, hash),
            Self::Sha512 => digest::<Sha512>(&utf16, salt, hash),
            Self::HmacSha256 => mac::<Hmac<Sha256>>(&utf16, &key::<64>(salt), hash),
            Self::HmacSha512 => mac::<Hmac<Sha512>>(&utf16, &key::<128>(salt), hash),
        }
    }
}

fn digest<D: Digest>(utf16: &[u8], salt: &[u8], hash: &mut [u8]) {
    let digest = D::new().chain_update(salt).chain_update(utf16);
    hash.copy_from_slice(&digest.finalize());
}

fn mac<M: Mac + KeyInit>(utf16: &[u8], key: &[u8], hash: &mut [u8]) {
    // An HMAC takes keys of any length.
    if let Ok(mac) = <M as KeyInit>::new_from_slice(key) {
        hash.copy_from_slice(&mac.chain_update(utf16).finalize().into_bytes());
    }
}

/// Makes the key of an HMAC: the salt, repeated or truncated to the length of a block.
fn key<const LENGTH: usize>(salt: &[u8]) -> [u8; LENGTH] {
    let mut key = [0; LENGTH];
    for (byte, &of_salt) in key.iter_mut().zip(salt.iter().cycle()) {
        *byte = of_salt;
    }
    key
}
