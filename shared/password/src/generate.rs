//! Generating passwords.

use rand_core::CryptoRng;

use secrecy::SecretString as Secret;

/// The characters of generated passwords. None is easily mistaken for another when it is typed from
/// an email (no 0/O, 1/l/I, 2/z, 5/s), and none is special in XML, HTML or a shell. There are 32 of
/// them, so five bits choose one without bias.
const ALPHABET: &[u8; 32] = b"346789abcdefghjkmnpqrtuvwxyCEFHK";
const GROUPS: usize = 5;
const GROUP_LENGTH: usize = 6;

/// Generates a password of 150 random bits, written as five groups of six characters: `h7dk3m-…`
/// (OWASP ASVS 5.0 11.5.1: at least 128 bits).
pub fn generate(rng: &mut impl CryptoRng) -> Secret {
    let mut random = [0_u8; GROUPS * GROUP_LENGTH];
    rng.fill_bytes(&mut random);
    let mut password = String::with_capacity(random.len() + GROUPS - 1);
    for (position, byte) in random.iter().enumerate() {
        if position > 0 && position % GROUP_LENGTH == 0 {
            password.push('-');
        }
        let index = usize::from(byte % 32);
        password.extend(ALPHABET.get(index).map(|&c| char::from(c)));
    }
    Secret::from(password)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn has_128_bits_and_groups_to_type() {
        assert_eq!(ALPHABET.iter().collect::<HashSet<_>>().len(), 32);
        const { assert!(GROUPS * GROUP_LENGTH * 5 >= 128) };
        let password = generate(&mut ChaCha20Rng::from_seed([7; 32]));
        let groups: Vec<_> = password.expose_secret().split('-').collect();
        assert_eq!(groups.len(), GROUPS);
        for group in groups {
            assert_eq!(group.len(), GROUP_LENGTH);
            assert!(group.bytes().all(|c| ALPHABET.contains(&c)), "{group}");
        }
    }

    /// Chi-squared over 32 characters: 31 degrees of freedom, 99.9 % below 61.1. The seed is fixed.
    #[test]
    fn every_character_is_equally_likely() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut counts: HashMap<char, f64> = HashMap::new();
        for _ in 0..2_000 {
            for c in generate(&mut rng)
                .expose_secret()
                .chars()
                .filter(|&c| c != '-')
            {
                *counts.entry(c).or_default() += 1.0;
            }
        }
        assert_eq!(counts.len(), 32);
        let expected = 2_000.0 * 30.0 / 32.0;
        let chi_squared: f64 = counts
            .values()
            .map(|count| (count - expected).powi(2) / expected)
            .sum();
        assert!(chi_squared < 61.1, "{chi_squared}");
    }
}
