// SPDX-License-Identifier: MIT
// A Rust program with the standard library: collections, strings, closures, traits, integer and float formatting, panics
// that are not reached. Prints the same on every machine.
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::io::{self, BufRead, Write};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Operator(char),
}

#[derive(Debug)]
struct ParseError(usize);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "parse error at {}", self.0)
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut result = Vec::new();
    let bytes: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < bytes.len() {
        let c = bytes[at];
        if c.is_ascii_digit() {
            let start = at;
            while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == '.') {
                at += 1;
            }
            let number: String = bytes[start..at].iter().collect();
            result.push(Token::Number(number.parse().map_err(|_| ParseError(start))?));
            continue;
        }
        match c {
            '+' | '-' | '*' | '/' => result.push(Token::Operator(c)),
            ' ' => {}
            _ => return Err(ParseError(at)),
        }
        at += 1;
    }
    Ok(result)
}

fn evaluate(tokens: &[Token]) -> Option<f64> {
    let mut terms = VecDeque::new();
    let mut pending = '+';
    for token in tokens {
        match token {
            Token::Operator(c) => pending = *c,
            Token::Number(n) => match pending {
                '+' => terms.push_back(*n),
                '-' => terms.push_back(-n),
                '*' => *terms.back_mut()? *= n,
                _ => *terms.back_mut()? /= n,
            },
        }
    }
    Some(terms.iter().sum())
}

fn main() -> io::Result<()> {
    for text in ["1 + 2 * 3", "10 / 4 - 1", "2 * 2 * 2.5", "1 $ 2"] {
        match tokens(text) {
            Ok(list) => println!("{} = {:?}", text, evaluate(&list)),
            Err(error) => println!("{}: {}", text, error),
        }
    }
    let mut state: u64 = 0x9e3779b97f4a7c15;
    let mut numbers: Vec<u64> = (0..50_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
        .collect();
    numbers.sort_unstable();
    let unique: HashSet<u64> = numbers.iter().map(|n| n % 1000).collect();
    let mut buckets: BTreeMap<u64, usize> = BTreeMap::new();
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for n in &numbers {
        *buckets.entry(n % 7).or_default() += 1;
        *counts.entry(n % 7).or_insert(0) += 1;
    }
    assert!(buckets.iter().all(|(k, v)| counts[k] == *v));
    println!("{} {} {:?}", numbers[0], unique.len(), buckets);
    let mut heap: BinaryHeap<u64> = numbers.iter().take(100).copied().collect();
    println!("{:?} {:.4} {:>10}|{:<6}|{:^7}|{:#x}", heap.pop(), 2.0f64.sqrt(), "right", "left", "mid", 255);
    let words: Vec<String> = "the quick brown fox".split(' ').map(|w| w.chars().rev().collect()).collect();
    println!("{}", words.join("-"));
    println!("{:?} {:?}", u8::try_from(300i32).is_err(), i32::MAX.checked_add(1));
    let stdin = io::stdin();
    let (mut lines, mut characters) = (0usize, 0usize);
    for line in stdin.lock().lines() {
        lines += 1;
        characters += line?.chars().count();
    }
    writeln!(io::stdout(), "{} lines, {} characters", lines, characters)
}
