//! Run-length lists: whole numbers, `"7x3"` (three times 7), `"4:9"` and `"22:-2:16"` (first, step, last).

use crate::foreign::json::{Json, Kind};

/// The numbers of a list, at most `most` of them.
pub(super) fn expand(list: &Json, most: usize) -> Result<Vec<i64>, String> {
    let one = std::slice::from_ref(list);
    let items = if let Kind::List(items) = &list.kind { items.as_slice() } else { one };
    let mut numbers = Vec::new();
    for item in items {
        let (first, step, count) = match &item.kind {
            Kind::Number(text) | Kind::Text(text) => {
                run(text).ok_or_else(|| format!("'{text}' is neither a number nor a run"))?
            }
            _ => return Err("an entry is neither a number nor a run".to_owned()),
        };
        if count > (most - numbers.len()) as i64 {
            return Err(format!("it has more than {most} entries"));
        }
        numbers.extend((0..count).map(|index| first + index * step));
    }
    Ok(numbers)
}

/// First, step and count.
fn run(text: &str) -> Option<(i64, i64, i64)> {
    // Far from overflow, and far beyond every number that means anything.
    let number = |text: &str| text.trim().parse::<i32>().ok().map(i64::from);
    if let Some((value, count)) = text.split_once('x') {
        return Some((number(value)?, 0, number(count).filter(|count| *count >= 0)?));
    }
    let parts: Vec<i64> = text.split(':').map(number).collect::<Option<_>>()?;
    let (first, step, last) = match parts[..] {
        [one] => return Some((one, 0, 1)),
        [first, last] => (first, 1, last),
        [first, step, last] => (first, step, last),
        _ => return None,
    };
    let span = if step == 0 { -1 } else { (last - first) / step };
    let reached = step != 0 && (last - first) % step == 0;
    (span >= 0 && reached).then_some((first, step, span + 1))
}

/// The list of these numbers, in as few entries as runs of three and more allow from the left.
pub(super) fn compress(numbers: &[i64]) -> String {
    let mut entries = Vec::new();
    let mut rest = numbers;
    while let [first, ..] = rest {
        let step = rest.get(1).map_or(0, |second| second - first);
        let count = 1 + rest.windows(2).take_while(|pair| pair[1] - pair[0] == step).count();
        let taken = if count >= 3 { count } else { 1 };
        entries.push(match (taken, step) {
            (1, _) => first.to_string(),
            (_, 0) => format!("\"{first}x{count}\""),
            (_, 1) => format!("\"{first}:{}\"", rest[count - 1]),
            _ => format!("\"{first}:{step}:{}\"", rest[count - 1]),
        });
        rest = &rest[taken..];
    }
    format!("[{}]", entries.join(","))
}
