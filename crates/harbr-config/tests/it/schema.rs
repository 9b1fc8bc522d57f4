//! The schema says what the reader does: its defaults, limits and words, and `docs/` from them.

use harbr_config::{Code, Config, Diagnostics, Files, Source, parse, schema};
use serde_json::{Map, Value, json};

use crate::docs::check_page;

#[test]
fn the_schema_is_what_the_code_says() {
    let text = serde_json::to_string_pretty(&schema()).expect("it is JSON") + "\n";
    check_page("configuration.schema.json", |_| text);
}

#[test]
fn the_page_of_the_configuration_has_a_table_of_the_keys_of_each_mapping() {
    check_page("configuration.md", with_tables);
}

#[test]
fn every_key_has_a_description() {
    let missing: Vec<String> = mappings()
        .iter()
        .flat_map(|(name, mapping)| properties(mapping).map(move |(key, property)| (name, key, property)))
        .filter(|(_, _, property)| property["description"].as_str().is_none_or(|text| text.len() < 8))
        .map(|(name, key, _)| format!("{name}.{key}"))
        .collect();
    assert!(missing.is_empty(), "a doc comment on the field says what these are for: {missing:?}");
}

/// Each mapping of the format by its name: the file itself, and the definitions.
fn mappings() -> Vec<(String, Value)> {
    let schema = schema();
    let title = schema["title"].as_str().expect("the schema has a title").to_owned();
    let definitions = schema["$defs"].as_object().expect("there are definitions").clone();
    let mut mappings = vec![(title, schema)];
    mappings.extend(definitions.into_iter().filter(|(_, definition)| definition["properties"].is_object()));
    mappings
}

fn properties(mapping: &Value) -> impl Iterator<Item = (&String, &Value)> {
    mapping["properties"].as_object().into_iter().flatten()
}

/// A place in a file: the way there from the top, and the mapping that stands there.
type Place = (Vec<String>, Value);

/// A place for each mapping of the format.
fn places() -> Vec<Place> {
    let schema = schema();
    let mut places = Vec::new();
    let mut open: Vec<Place> = vec![(Vec::new(), schema.clone())];
    while let Some((path, mut value)) = open.pop() {
        while let Some(name) = value["$ref"].as_str().map(|it| it.trim_start_matches("#/$defs/").to_owned()) {
            // No mapping of the format holds one of its own kind.
            assert!(path.len() < 12, "{path:?}");
            value = schema["$defs"][&name].clone();
        }
        let below = |step: &str| [path.as_slice(), &[step.to_owned()]].concat();
        for alternative in value["anyOf"].as_array().into_iter().flatten() {
            open.push((path.clone(), alternative.clone()));
        }
        if value["items"].is_object() {
            open.push((below("0"), value["items"].clone()));
        }
        if value["additionalProperties"].is_object() {
            let key = if path.last().is_some_and(|last| last == "routes") { "/" } else { "a" };
            open.push((below(key), value["additionalProperties"].clone()));
        }
        if value["properties"].is_object() {
            open.extend(properties(&value).map(|(key, property)| (below(key), property.clone())));
            places.push((path, value));
        }
    }
    places
}

/// A file that says only what it must, and at one place `key: value`.
fn file(path: &[String], key: &str, value: &Value) -> Value {
    let mut file = json!({
        "listen_addr": "127.0.0.1:8080",
        "global_timeout_ms": 1000,
        "max_connections": 10,
        "upstreams": {"a": {"endpoints": ["http://a"]}},
        "routes": {"/": {"upstream": "a"}},
    });
    if path.first().is_some_and(|first| first == "listeners") || key == "listeners" {
        file.as_object_mut().expect("it is a mapping").remove("listen_addr");
    }
    let place = path.iter().fold(&mut file, |value, step| {
        if step == "0" {
            if !value.is_array() {
                *value = json!([{}]);
            }
            return &mut value[0];
        }
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        &mut value[step.as_str()]
    });
    if !place.is_object() {
        *place = match path.last().map(String::as_str) {
            Some("0") if path.iter().any(|step| step == "endpoints") => json!({"url": "http://a"}),
            Some("0") if path.iter().any(|step| step == "listeners") => {
                json!({"name": "a", "addr": "127.0.0.1:1"})
            }
            _ => Value::Object(Map::new()),
        };
    }
    place[key] = value.clone();
    file
}

fn parse_json(file: &Value) -> Result<Config, Diagnostics> {
    parse(Source { name: "config.yml", bytes: file.to_string().as_bytes() }, &Files::none())
}

fn has(file: &Value, code: Code) -> bool {
    parse_json(file).err().is_some_and(|errors| errors.iter().any(|error| error.code == code))
}

#[test]
fn each_default_is_what_a_file_without_the_key_means() {
    let mut checked = 0;
    for (path, mapping) in places() {
        for (key, property) in properties(&mapping) {
            let Some(default) = property.get("default") else { continue };
            let mut without = file(&path, key, default);
            let place = path.iter().fold(&mut without, |value, step| match step.as_str() {
                "0" => &mut value[0],
                step => &mut value[step],
            });
            place.as_object_mut().expect("it was put there").remove(key);
            // Some mappings must say more than one key.
            let (Ok(without), Ok(with)) = (parse_json(&without), parse_json(&file(&path, key, default)))
            else {
                continue;
            };
            assert_eq!(without.snapshot, with.snapshot, "{path:?} {key}: {default}");
            checked += 1;
        }
    }
    assert!(checked >= 20, "only {checked} defaults were checked");
}

/// `1ms–24h`: both ends, and what is just beyond each.
fn limits(property: &Value) -> Option<[Value; 4]> {
    if let (Some(least), Some(most)) = (property["minimum"].as_i64(), property["maximum"].as_i64()) {
        return Some([json!(least), json!(most), json!(least - 1), json!(most + 1)]);
    }
    let (least, most) = property["x-limits"].as_str()?.split_once('–')?;
    let moved = |text: &str, by: i64| {
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let number: i64 = text[..digits].parse().ok()?;
        (digits > 0 && digits < text.len()).then(|| json!(format!("{}{}", number + by, &text[digits..])))
    };
    Some([moved(least, 0)?, moved(most, 0)?, moved(least, -1)?, moved(most, 1)?])
}

#[test]
fn limits_are_where_the_schema_says() {
    let mut checked = 0;
    for (path, mapping) in places() {
        for (key, property) in properties(&mapping) {
            let Some([least, most, below, above]) = limits(property) else { continue };
            for (value, is_refused) in [(least, false), (most, false), (below, true), (above, true)] {
                let file = file(&path, key, &value);
                assert_eq!(has(&file, Code::OutOfRange), is_refused, "{path:?} {key}: {value}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 15, "only {checked} limits were checked");
}

#[test]
fn the_words_of_a_key_are_those_that_it_takes() {
    for (path, mapping) in places() {
        for (key, property) in properties(&mapping) {
            for word in property["enum"].as_array().into_iter().flatten() {
                assert!(!has(&file(&path, key, word), Code::UnknownWord), "{path:?} {key}: {word}");
            }
        }
    }
}

const START: &str = "<!-- keys of ";
const END: &str = "<!-- end of keys -->";

/// The page with each of its tables made anew: what is between `<!-- keys of Route -->` and `END`.
fn with_tables(page: &str) -> String {
    let mut made = String::new();
    let mut rest = page;
    let mut missing: Vec<String> = mappings().into_iter().map(|(name, _)| name).collect();
    while let Some((before, after)) = rest.split_once(START) {
        let (name, after) = after.split_once(" -->").expect("the marker ends");
        let (_, after) = after.split_once(END).expect("the table ends");
        let mapping = mappings().into_iter().find(|(known, _)| known == name);
        let (_, mapping) = mapping.unwrap_or_else(|| panic!("the schema has no {name}"));
        missing.retain(|missing| missing != name);
        made.push_str(&format!("{before}{START}{name} -->\n\n{}\n{END}", table(&mapping)));
        rest = after;
    }
    assert!(missing.is_empty(), "docs/configuration.md has no `{START}… -->` of {missing:?}");
    made + rest
}

fn table(mapping: &Value) -> String {
    let mut table = "| key | type | default | meaning | limits |\n|---|---|---|---|---|\n".to_owned();
    let required: Vec<&str> =
        mapping["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in properties(mapping) {
        let default = match (property.get("default"), property["x-default"].as_str()) {
            _ if required.contains(&key.as_str()) => "required".to_owned(),
            (_, Some(text)) => text.to_owned(),
            (Some(Value::Array(list)), _) if list.is_empty() => "none".to_owned(),
            (Some(Value::String(text)), _) => format!("`{text}`"),
            (Some(value), _) => format!("`{value}`"),
            (None, None) => "none".to_owned(),
        };
        let meaning = property["description"].as_str().unwrap_or_default();
        table.push_str(&format!(
            "| `{key}` | {} | {default} | {meaning} | {} |\n",
            kind(property),
            range(property)
        ));
    }
    table
}

fn range(property: &Value) -> String {
    match (property["x-limits"].as_str(), property["minimum"].as_u64(), property["maximum"].as_u64()) {
        (Some(text), _, _) => text.to_owned(),
        (None, Some(least), Some(most)) => format!("{}–{}", grouped(least), grouped(most)),
        (None, _, _) => String::new(),
    }
}

/// `86,400,000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn kind(value: &Value) -> String {
    if let Some(kind) = value["x-type"].as_str() {
        return kind.to_owned();
    }
    if let Some(reference) = value["$ref"].as_str() {
        let name = reference.trim_start_matches("#/$defs/");
        let definition = &schema()["$defs"][name];
        return if definition["properties"].is_object() { name.to_owned() } else { kind(definition) };
    }
    if let Some(words) = value["enum"].as_array() {
        return words.iter().map(|word| word.to_string().replace('"', "`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(alternatives) = value["anyOf"].as_array() {
        return alternatives.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match value["type"].as_str() {
        Some("array") => format!("list of {}", kind(&value["items"])),
        Some("object") => format!("mapping to {}", kind(&value["additionalProperties"])),
        Some(other) => other.to_owned(),
        None => panic!("no kind: {value}"),
    }
}
