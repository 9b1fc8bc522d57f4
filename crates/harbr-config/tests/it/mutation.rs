//! Good files, damaged as people and programs damage them: 10,000 times, the same ones each time.

use crate::properties::{PIECES, check};

const GOOD: [&str; 6] = [
    include_str!("../../testdata/good-realistic.in.yaml"),
    include_str!("../../testdata/good-everything.in.yaml"),
    include_str!("../../testdata/good-flow-style.in.yaml"),
    include_str!("../../testdata/good-block-scalars.in.yaml"),
    include_str!("../../testdata/good-shared-by-alias.in.yaml"),
    include_str!("../../testdata/good-values-that-look-like-something-else.in.yaml"),
];
const MUTANTS: usize = 10_000;
const SEED: u64 = 0x4841_5242;

#[test]
fn ten_thousand_mutants_are_tables_or_errors_with_positions() {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut refused = 0;
    for number in 0..MUTANTS {
        let mut text = GOOD[number % GOOD.len()].to_owned();
        for _ in 0..random.usize(1..4) {
            text = mutant(&text, &mut random);
        }
        refused += usize::from(!check(&text));
    }
    // Some damage is in comments, or changes one good value into another.
    assert!((MUTANTS / 2..MUTANTS).contains(&refused), "{refused} of the mutants are refused");
}

fn mutant(text: &str, random: &mut fastrand::Rng) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let (one, other) = (random.usize(..lines.len()), random.usize(..lines.len()));
    match random.u8(..8) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        2 => lines.swap(one, other),
        3 => lines[one].insert_str(0, [" ", "  ", "\t", "- "][random.usize(..4)]),
        4 => lines[one] = lines[one].trim_start().to_owned(),
        5 => lines.truncate(one + 1),
        _ => {
            let mut line: Vec<char> = lines[one].chars().collect();
            let start = random.usize(..=line.len());
            let end = (start + random.usize(..6)).min(line.len());
            line.splice(start..end, PIECES[random.usize(..PIECES.len())].chars());
            lines[one] = line.into_iter().collect();
        }
    }
    lines.join("\n")
}
