//! Whether a value that is found is the one that was approved.

use super::context::Context;
use super::difference::Code;
use crate::steps::marker::{MarkerName, Part};
use crate::steps::val::Val;

/// Compares values, given what is known now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill<'a> {
    context: &'a Context,
}

impl<'a> Fill<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self { context }
    }

    /// Whether `found` is the approved new value, or fills what was approved as known later.
    pub(crate) fn new_side(self, approved: Option<&Val>, found: Option<&Val>) -> Result<(), Code> {
        match (approved, found) {
            (None, None) => Ok(()),
            (Some(approved), Some(found)) => self.fills(approved, found),
            // An unknown that comes out as nothing at all is not what anybody saw.
            _ => Err(Code::ValueChanged),
        }
    }

    /// Whether `found` is the old value `expected`.
    pub(crate) fn old_side(self, expected: Option<&Val>, found: Option<&Val>) -> bool {
        match (expected, found) {
            (None, None) => true,
            (Some(expected), Some(found)) if expected == found => {
                !expected.is_opaque() || (self.context.same_inputs && self.context.same_state)
            }
            _ => false,
        }
    }

    /// Whether a property that was to change to `approved` and doesn't change now came out as
    /// `current`, what is there.
    pub(crate) fn came_out_equal(self, approved: Option<&Val>, current: Option<&Val>) -> bool {
        approved.is_some_and(Val::is_open) && self.new_side(approved, current).is_ok()
    }

    #[inline(never)]
    fn fills(self, approved: &Val, found: &Val) -> Result<(), Code> {
        match (approved, found) {
            (Val::Unknown(on), Val::Unknown(now)) if on == now => Ok(()),
            (Val::Unknown(_), Val::Unknown(_)) => Err(Code::UnknownChanged),
            // Any value, as long as all of it is known.
            (Val::Unknown(_), found) if found.is_open() => Err(Code::UnknownChanged),
            (Val::Unknown(_), _) => Ok(()),
            (Val::Marker(_) | Val::Template(_), found) if approved == found => Ok(()),
            (Val::Marker(name), found) => match self.output(name) {
                Some(output) => equal(output == found),
                None => Err(Code::MarkerUnresolved),
            },
            (Val::Template(parts), found) => {
                let text = self.text(parts)?;
                equal(*found == Val::Text(text))
            }
            (Val::List(approved), Val::List(found)) if approved.len() == found.len() => {
                approved.iter().zip(found).try_for_each(|(a, f)| self.fills(a, f))
            }
            (Val::Object(approved), Val::Object(found)) if approved.len() == found.len() => {
                approved.iter().try_for_each(|(key, a)| match found.get(key) {
                    Some(f) => self.fills(a, f),
                    None => Err(Code::ValueChanged),
                })
            }
            (Val::Opaque(approved), Val::Opaque(found)) if approved == found => {
                if self.context.same_inputs { Ok(()) } else { Err(Code::OpaqueValue) }
            }
            (_, found) if found.is_open() => Err(Code::BecameUnknown),
            (approved, found) => equal(approved == found),
        }
    }

    fn output(self, name: &MarkerName) -> Option<&'a Val> {
        self.context.outputs.get(&name.stack)?.get(&name.output)
    }

    /// The approved text with the recorded outputs in the places of its markers. An output that a
    /// program can put into a text in more than one way is not put there by us.
    #[inline(never)]
    fn text(self, parts: &[Part]) -> Result<String, Code> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Marker(name) => match self.output(name) {
                    None => return Err(Code::MarkerUnresolved),
                    Some(Val::Text(output) | Val::Number(output)) => text.push_str(output),
                    Some(Val::Bool(flag)) => text.push_str(if *flag { "true" } else { "false" }),
                    Some(_) => return Err(Code::ValueChanged),
                },
            }
        }
        Ok(text)
    }
}

fn equal(equal: bool) -> Result<(), Code> {
    if equal { Ok(()) } else { Err(Code::ValueChanged) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn fills(approved: &Value, found: &Value, same_inputs: bool) -> Result<(), Code> {
        let val = |value: &Value| Val::from_json(value.clone()).unwrap();
        let outputs = json!({"net": {"ip": "10.0.0.1", "port": {"number": "8080"},
            "key": {"secret": "ab".repeat(32)}}});
        let context = Context {
            outputs: serde_json::from_value(outputs).unwrap(),
            same_inputs,
            ..Context::default()
        };
        Fill::new(&context).new_side(Some(&val(approved)), Some(&val(found)))
    }

    fn marker(output: &str) -> Value {
        json!({"marker": {"stack": "net", "output": output}})
    }

    const A: &str = "urn:pulumi:d::p::t:t:T::a";
    const B: &str = "urn:pulumi:d::p::t:t:T::b";

    #[rstest]
    #[case::equal(json!({"a": ["x"]}), json!({"a": ["x"]}))]
    #[case::an_unknown_is_filled(json!({"unknown": [A]}), json!({"x": ["y"]}))]
    #[case::an_unknown_stays(json!({"unknown": [A]}), json!({"unknown": [A]}))]
    #[case::an_unknown_inside(json!({"k": {"unknown": []}, "l": "x"}), json!({"k": "v", "l": "x"}))]
    #[case::an_unknown_becomes_a_secret(json!({"unknown": [A]}), json!({"secret": "ab".repeat(32)}))]
    #[case::a_marker(marker("ip"), json!("10.0.0.1"))]
    #[case::a_marker_for_a_number(marker("port"), json!({"number": "8080"}))]
    #[case::a_marker_for_a_secret(marker("key"), json!({"secret": "ab".repeat(32)}))]
    #[case::a_marker_stays(marker("ip"), marker("ip"))]
    #[case::a_template(
        json!({"text": ["http://", marker("ip"), ":", marker("port")]}),
        json!("http://10.0.0.1:8080")
    )]
    fn a_value_is_the_approved_one(#[case] approved: Value, #[case] found: Value) {
        assert_eq!(fills(&approved, &found, false), Ok(()));
    }

    #[rstest]
    #[case::another(json!("x"), json!("y"), Code::ValueChanged)]
    #[case::a_number_for_a_text(json!("3"), json!({"number": "3"}), Code::ValueChanged)]
    #[case::beside_an_unknown(json!([{"unknown": []}, "x"]), json!(["v", "y"]), Code::ValueChanged)]
    #[case::one_more(json!([{"unknown": []}]), json!(["v", "y"]), Code::ValueChanged)]
    #[case::another_key(json!({"a": {"unknown": []}}), json!({"b": "v"}), Code::ValueChanged)]
    #[case::known_no_more(json!("x"), json!({"unknown": [A]}), Code::BecameUnknown)]
    #[case::depends_on_more(json!({"unknown": [A]}), json!({"unknown": [A, B]}), Code::UnknownChanged)]
    #[case::half_filled(json!({"unknown": [A]}), json!(["x", {"unknown": [A]}]), Code::UnknownChanged)]
    #[case::another_output(marker("ip"), json!("10.0.0.2"), Code::ValueChanged)]
    #[case::no_output(marker("dns"), json!("x"), Code::MarkerUnresolved)]
    #[case::another_text(json!({"text": ["a", marker("ip")]}), json!("b10.0.0.1"), Code::ValueChanged)]
    #[case::a_secret_in_a_text(json!({"text": ["a", marker("key")]}), json!("ax"), Code::ValueChanged)]
    #[case::another_secret(json!({"secret": "00"}), json!({"secret": "01"}), Code::ValueChanged)]
    #[case::opaque(json!({"opaque": "secret"}), json!({"opaque": "secret"}), Code::OpaqueValue)]
    fn a_value_is_another_one(#[case] approved: Value, #[case] found: Value, #[case] code: Code) {
        assert_eq!(fills(&approved, &found, false), Err(code));
    }

    #[test]
    fn what_can_not_be_seen_is_equal_only_under_equal_circumstances() {
        let opaque = json!({"opaque": "masked"});
        assert_eq!(fills(&opaque, &opaque, true), Ok(()));
        assert_eq!(fills(&opaque, &json!({"opaque": "secret"}), true), Err(Code::ValueChanged));
    }
}
