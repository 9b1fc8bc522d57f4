//! What inputs are made of: words that matter, put together and then damaged a little.

use fastrand::Rng;

/// Up to `most` of these words in a row.
pub(super) fn words(rng: &mut Rng, words: &[&str], most: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..rng.usize(..=most) {
        text.extend_from_slice(pick(rng, words).as_bytes());
    }
    text
}

pub(super) fn pick<'a>(rng: &mut Rng, words: &[&'a str]) -> &'a str {
    words[rng.usize(..words.len())]
}

/// Most inputs stay as they are; others lose, get, repeat or exchange a few bytes.
pub(super) fn damage(rng: &mut Rng, text: &mut Vec<u8>) {
    const ODD: &[u8] = b"\r\n\0 \t:;,#%/\\.?&=\"'()@[]{}\x01\x0b\x7f\x80\xc3\xa9\xff0159afAFgG+-_";

    for _ in 0..rng.usize(..6).saturating_sub(3) {
        let at = rng.usize(..=text.len());
        let byte = if rng.bool() { ODD[rng.usize(..ODD.len())] } else { rng.u8(..) };
        match rng.u8(..4) {
            0 => text.insert(at, byte),
            1 if at < text.len() => text[at] = byte,
            2 if at < text.len() => drop(text.remove(at)),
            _ => {
                let piece = text[at..text.len().min(at + rng.usize(..32))].to_vec();
                let to = rng.usize(..=text.len());
                text.splice(to..to, piece);
            }
        }
    }
}
