//! Cases made of the corpus: what a careless or hostile writer could send.

use crate::cases::Case;
use crate::question::Question;
use crate::random::Random;
use serde_json::{Map, Number, Value, json};
use tidegate_core::limits;
use tidegate_core::steps::digest::digest;
use tidegate_core::steps::step::Step;

/// Texts that are no id, no ref, no word of ours, or too much of one.
const TEXTS: [&str; 14] = [
    "",
    "unknown",
    "not-a-word-of-ours",
    "READY",
    "refs/heads/../main",
    "refs/heads/release",
    "0000000000000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffffffffffff",
    "\u{0}\u{7f}",
    "größe\u{301} 日本 😀",
    "\u{202e}\u{feff}",
    "a\r\nb",
    "../../etc",
    "$serde_json::private::Number",
];

/// Names that are no field, and two that the JSON library gives a meaning to.
const FIELDS: [&str; 6] = [
    "spell",
    "",
    "schema",
    "Schema",
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
];

const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "-0",
    "1.0",
    "1e3",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "1e400",
    "0.1000000000000000055511151231257827",
    "123456789012345678901234567890",
];

/// Lines of settings, messages, histories and event logs.
const LINES: [&str; 14] = [
    "schema = 2",
    "mode = \"gate\"",
    "mode = \"observe\"",
    "[[stack]]",
    "reads = [\"network-prod\", \"app-prod\"]",
    "count = 3",
    "x = { y = [[[[1979-05-27T07:32:00Z]]]] }",
    "\"\"\"",
    "Label: Code-Review=+2",
    "Label: -Code-Review",
    "Removed: Gerrit User 2 <2@srv>",
    "Tidegate-Approve: 0123456789ab",
    "Status: merged",
    "{\"sequence\": 1, \"timestamp\": 0}",
];

/// What may come after a history: votes, withdrawals, words, states.
const ENTRIES: [&str; 11] = [
    "Patch-set: 1\nLabel: Code-Review=+2, ab",
    "Patch-set: 1\nLabel: Code-Review=-2, ab",
    "Patch-set: 1\nLabel: -Code-Review",
    "Patch-set: 1\nLabel: -Code-Review Gerrit User 2 <2@srv>",
    "Patch-set: 1\nRemoved: Gerrit User 2 <2@srv>",
    "Patch Set 1:\n\nTidegate-Withdraw: 0123456789ab\n\nPatch-set: 1",
    "Patch-set: 1\nWork-in-progress: true",
    "Patch-set: 1\nStatus: abandoned",
    "Patch-set: 1 (DELETED)",
    "Patch-set: 1\nLabel: Code-Review=+2, ab\nReal-user: Gerrit User 4 <4@srv>",
    "Patch-set: x",
];

/// Inputs at and beyond the core's limits.
pub fn edges() -> Vec<Question> {
    let question = |verb, name: &str, input: Vec<u8>| Question { verb, name: name.into(), input };
    let event = |bytes: usize| {
        let text = format!("{{\"type\":\"wombat-fed\",\"x\":\"{}\"}}", "y".repeat(bytes));
        text.into_bytes()
    };
    let paths: Vec<_> = (0..20_000).map(|n| format!("network/{n}")).collect();
    let settings = |text: String| {
        let commit = "a".repeat(40);
        json!([{ "project": "infra", "commit": commit, "text": text, "groups": "" }])
    };
    let plan = json!({
        "layers": settings("schema = 1\n[[stack]]\nid = \"n\"\nproject = \"n\"\nstack = \"s\"\npath = \"network\"\n".into()),
        "branch": "refs/heads/main",
        "changed": paths,
    });
    let long = "# a comment\n".repeat(limits::SETTINGS_BYTES / 12 + 1);
    vec![
        question("decide", "one byte too much", vec![b' '; limits::INPUT_BYTES + 1]),
        question("steps", "one byte too much", vec![b' '; limits::INPUT_BYTES + 1]),
        question("classify", "the largest event", event(limits::EVENT_BYTES - 40)),
        question("classify", "an event that is too large", event(limits::EVENT_BYTES)),
        question("plan", "20,000 paths", plan.to_string().into_bytes()),
        question(
            "settings",
            "a file that is too large",
            json!({ "layers": settings(long) }).to_string().into_bytes(),
        ),
        question("decide", "deeper than any stack", vec![b'['; 1 << 20]),
    ]
}

/// `count` cases from `seed`, each a few mutations away from one of `cases`.
pub fn generate(seed: u64, count: usize, cases: &[Case]) -> Vec<Question> {
    let mut random = Random::new(seed);
    let mut questions = Vec::new();
    while questions.len() < count {
        // First a verb, since some have many more cases than others; decisions matter most.
        let verb = match random.below(10) {
            0..4 => "decide",
            4..6 => "advance",
            _ => random.pick(&crate::cases::VERBS),
        };
        let wrong = random.once_in(10);
        let fits = |case: &&Case| case.verb == verb && case.name.starts_with("wrong-") == wrong;
        let of_verb: Vec<_> = cases.iter().filter(fits).collect();
        let case = random.pick(&of_verb);
        questions.push(Question {
            verb,
            name: format!("generated {}, of {}", questions.len(), case.name),
            input: mutated(&case.input, &mut random),
        });
    }
    questions
}

fn mutated(input: &[u8], random: &mut Random) -> Vec<u8> {
    let parsed = serde_json::from_slice::<Value>(input);
    let Some(mut value) = parsed.ok().filter(|_| !random.once_in(10)) else {
        return torn(input, random);
    };
    for _ in 0..=random.below(3) {
        // Most inputs stay of their form; nothing is decided about the others.
        let which = if random.once_in(4) { any } else { formless };
        let nodes = count(&value, which);
        let place = random.below(nodes);
        if let Some(node) = nth(&mut value, which, &mut { place }) {
            change(node, random);
        }
    }
    if !random.once_in(10) {
        mend(&mut value);
    }
    serde_json::to_vec(&value).unwrap()
}

fn any(_: &Value) -> bool {
    true
}

/// What can change without the whole becoming another form: lists, truth values, texts of lines.
fn formless(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Bool(_) => true,
        Value::String(text) => text.contains('\n') || text.starts_with('{'),
        _ => false,
    }
}

/// Changes bytes without looking at what they mean.
fn torn(input: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let place = random.below(bytes.len() + 1);
    match random.below(6) {
        0 => bytes.truncate(place),
        1 => drop(bytes.splice(place..place, "[".repeat(200).into_bytes())),
        2 => drop(bytes.splice(place..place, [0xff, 0xc0, 0x80])),
        3 => drop(bytes.splice(place..place, vec![b' '; 100_000])),
        4 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = byte.wrapping_add(1);
            }
        }
        _ => {
            let end = (place + random.below(200)).min(bytes.len());
            let part = bytes[place..end].to_vec();
            bytes.splice(place..place, part);
        }
    }
    bytes
}

fn count(value: &Value, which: fn(&Value) -> bool) -> usize {
    usize::from(which(value))
        + match value {
            Value::Array(list) => list.iter().map(|value| count(value, which)).sum(),
            Value::Object(map) => map.values().map(|value| count(value, which)).sum(),
            _ => 0,
        }
}

/// The one at `place`, in the order of reading, of the nodes that are `which`.
fn nth<'a>(
    value: &'a mut Value,
    which: fn(&Value) -> bool,
    place: &mut usize,
) -> Option<&'a mut Value> {
    if which(value) {
        if *place == 0 {
            return Some(value);
        }
        *place -= 1;
    }
    match value {
        Value::Array(list) => list.iter_mut().find_map(|value| nth(value, which, place)),
        Value::Object(map) => map.values_mut().find_map(|value| nth(value, which, place)),
        _ => None,
    }
}

fn change(node: &mut Value, random: &mut Random) {
    match node {
        Value::Object(map) => change_object(map, random),
        Value::Array(list) => change_list(list, random),
        Value::String(text) => *text = changed_text(text, random),
        Value::Number(_) => *node = number(random),
        Value::Bool(on) => *on = !*on,
        Value::Null => *node = Value::String((*random.pick(&TEXTS)).to_owned()),
    }
    if random.once_in(10) {
        *node = match random.below(4) {
            0 => Value::Null,
            1 => json!([]),
            2 => number(random),
            _ => json!({}),
        };
    }
}

fn change_object(map: &mut Map<String, Value>, random: &mut Random) {
    let keys: Vec<_> = map.keys().cloned().collect();
    if keys.is_empty() || random.once_in(3) {
        let value = keys.first().and_then(|key| map.get(key)).cloned().unwrap_or(json!("1"));
        map.insert((*random.pick(&FIELDS)).to_owned(), value);
        return;
    }
    let removed = map.remove(random.pick(&keys));
    if random.once_in(3) {
        map.insert((*random.pick(&TEXTS)).to_owned(), removed.unwrap_or_default());
    }
}

fn change_list(list: &mut Vec<Value>, random: &mut Random) {
    if let Some(last) = list.last().filter(|last| last.get("message").is_some()) {
        let mut entry = last.clone();
        entry["id"] = json!(format!("{:040x}", 0xf000 + list.len()));
        entry["author"] = json!(format!("{}@srv", random.below(5)));
        entry["message"] = json!(format!("Update\n\n{}\n", random.pick(&ENTRIES)));
        let place = if random.once_in(4) { random.below(list.len()) } else { list.len() };
        list.insert(place, entry);
        return;
    }
    let place = random.below(list.len());
    match random.below(4) {
        _ if list.is_empty() => list.push(json!("one")),
        0 => drop(list.remove(place)),
        1 => list.push(list[place].clone()),
        2 => list.reverse(),
        _ => list.extend(vec![list[place].clone(); 100]),
    }
}

fn changed_text(text: &str, random: &mut Random) -> String {
    if text.starts_with('{')
        && let Ok(mut inner) = serde_json::from_str::<Value>(text)
    {
        let nodes = count(&inner, any);
        let place = random.below(nodes);
        if let Some(node) = nth(&mut inner, any, &mut { place }) {
            change(node, random);
        }
        return inner.to_string();
    }
    let mut lines: Vec<_> = text.lines().collect();
    if lines.len() > 1 {
        let place = random.below(lines.len());
        match random.below(4) {
            0 => drop(lines.remove(place)),
            1 => lines.insert(place, lines[place]),
            2 => lines.insert(place, *random.pick(&LINES)),
            _ => lines.truncate(place),
        }
        return lines.join("\n") + "\n";
    }
    match random.below(4) {
        0 => text.chars().rev().collect(),
        1 => format!("{text}x"),
        2 => text.repeat(1 + random.below(300)),
        _ => (*random.pick(&TEXTS)).to_owned(),
    }
}

fn number(random: &mut Random) -> Value {
    Value::Number(random.pick(&NUMBERS).parse::<Number>().unwrap())
}

/// Makes histories end where they say that they end, and steps have the digest that they carry;
/// else little more would be read.
fn mend(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(mend),
        Value::Object(map) => {
            let last = map.get("commits").and_then(|commits| commits.as_array()?.last()?.get("id"));
            if let Some(last) = last.cloned() {
                map.insert("tip".to_owned(), last);
            }
            let steps = map.get("steps").cloned().map(serde_json::from_value::<Vec<Step>>);
            if let Some(Ok(steps)) = steps
                && map.contains_key("digest")
            {
                map.insert("digest".to_owned(), json!(digest(&steps)));
            }
            map.values_mut().for_each(mend);
        }
        _ => {}
    }
}
