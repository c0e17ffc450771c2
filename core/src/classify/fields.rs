//! Reads single fields of an event: any may be absent, none may be trusted.

use super::{ClassifyError, EventKind};
use crate::ids::{BadId, ChangeNumber, Project};
use serde_json::{Map, Value};

/// Longest part of a type's name that is shown.
const TYPE_CHARS: usize = 64;

/// An event's fields.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// The event that the object lies in.
    outer: Option<&'a Map<String, Value>>,
    kind: &'a str,
}

impl<'a> Fields<'a> {
    /// Takes an event that has a type.
    #[inline(never)]
    pub(super) fn new(value: &'a Value) -> Result<Self, ClassifyError> {
        let Value::Object(object) = value else {
            return Err(ClassifyError::NotAnObject { found: type_name(value) });
        };
        let mut fields = Self { object, outer: None, kind: "untyped" };
        let Some(kind) = fields.text(&["type"])? else {
            return Err(fields.missing(&["type"], "the name of the event's type"));
        };
        fields.kind = kind;
        Ok(fields)
    }

    /// The same event, seen through one of the objects in it.
    pub(super) fn within(&self, object: &'a Map<String, Value>) -> Self {
        Self { object, outer: Some(self.object), kind: self.kind }
    }

    /// The type, if it is known.
    pub(super) fn kind(&self) -> Option<EventKind> {
        EventKind::named(self.kind)
    }

    /// The type's name as it may be shown anywhere.
    pub(super) fn type_shown(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.~".contains(c) { c } else { '?' };
        let mut shown: String = self.kind.chars().take(TYPE_CHARS).map(plain).collect();
        if self.kind.chars().nth(TYPE_CHARS).is_some() {
            shown.push('…');
        }
        shown
    }

    /// The value at `path`. `null` is as good as absent.
    #[inline(never)]
    pub(super) fn value(&self, path: &[&str]) -> Result<Option<&'a Value>, ClassifyError> {
        let Some((last, way)) = path.split_last() else { return Ok(None) };
        let mut object = self.object;
        for (depth, part) in way.iter().enumerate() {
            match object.get(*part) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::Object(inner)) => object = inner,
                Some(other) => {
                    let way = path.get(..=depth).unwrap_or(path);
                    return Err(self.wrong_type(way, type_name(other), "an object"));
                }
            }
        }
        Ok(object.get(*last).filter(|value| !value.is_null()))
    }

    /// The text at `path`.
    #[inline(never)]
    pub(super) fn text(&self, path: &[&str]) -> Result<Option<&'a str>, ClassifyError> {
        match self.value(path)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(path, type_name(other), "a text")),
        }
    }

    /// The change number at `path`.
    #[inline(never)]
    pub(super) fn number(&self, path: &[&str]) -> Result<Option<ChangeNumber>, ClassifyError> {
        const EXPECTED: &str = "a whole number from 1";
        let Some(value) = self.value(path)? else { return Ok(None) };
        let Value::Number(number) = value else {
            return Err(self.wrong_type(path, type_name(value), EXPECTED));
        };
        match number.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number > 0 => Ok(Some(ChangeNumber(number))),
            _ => {
                let found: String = number.to_string().chars().take(40).collect();
                Err(self.wrong_type(path, &found, EXPECTED))
            }
        }
    }

    /// The project at `path`, or else at the top of the event.
    #[inline(never)]
    pub(super) fn project(&self, path: &[&str]) -> Result<Project, ClassifyError> {
        let text = match (self.text(path)?, self.outer) {
            (Some(text), _) => Some(text),
            (None, None) => self.text(&["project"])?,
            (None, Some(outer)) => outer.get("project").and_then(Value::as_str),
        };
        let text = text.ok_or_else(|| self.missing(path, "the project's name"))?;
        text.parse().map_err(|error| self.bad_id(path, &error))
    }

    /// That `path` is absent.
    pub(super) fn missing(&self, path: &[&str], expected: &'static str) -> ClassifyError {
        ClassifyError::Missing { kind: self.type_shown(), field: path.join("."), expected }
    }

    /// That the text at `path` breaks the rule of its kind.
    pub(super) fn bad_id(&self, path: &[&str], error: &BadId) -> ClassifyError {
        self.wrong_type(path, &format!("{:?}", error.found), error.expected)
    }

    /// That the value at `path` is of another type.
    pub(super) fn wrong(
        &self,
        path: &[&str],
        found: &Value,
        expected: &'static str,
    ) -> ClassifyError {
        self.wrong_type(path, type_name(found), expected)
    }

    fn wrong_type(&self, path: &[&str], found: &str, expected: &'static str) -> ClassifyError {
        let (kind, field) = (self.type_shown(), path.join("."));
        ClassifyError::WrongType { kind, field, found: found.to_owned(), expected }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
