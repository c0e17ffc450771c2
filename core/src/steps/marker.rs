//! Markers: what stands in a preview for an upstream output that isn't known yet.
//!
//! An engine's own "unknown" makes all outputs of a stack reference unknown in most languages. So
//! the host plants a text in the local copy of the upstream's outputs, and the preview shows where
//! it goes. The nonce is new for each preview: a program can't write a marker into its values by
//! itself and have it taken for one.

use super::limits;
use crate::ids::StackId;
use serde::{Deserialize, Serialize};

/// A marker that the host planted for this preview.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// Random text of this preview.
    pub nonce: String,
    /// The claimed stack whose output it stands for.
    pub stack: StackId,
    /// The output's name.
    pub output: String,
}

impl Marker {
    /// The text that stands in the copied outputs: `tidegate-unknown:<nonce>:<stack>.<output>`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}:{}.{}", self.nonce, self.stack, self.output)
    }

    /// What the marker says, without the nonce.
    #[must_use]
    pub fn name(&self) -> MarkerName {
        MarkerName { stack: self.stack.clone(), output: self.output.clone() }
    }
}

/// What a marker says: an output of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkerName {
    /// The claimed stack.
    pub stack: StackId,
    /// The output's name.
    pub output: String,
}

/// A piece of a text that holds markers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Plain text, never empty.
    Text(String),
    /// A marker.
    Marker(MarkerName),
}

/// The markers of one preview, and how many places may still be looked up.
#[derive(Debug)]
pub(crate) struct Markers {
    /// Text and name, longest text first: `network.vpc` also begins `network.vpcId`.
    planted: Vec<(String, MarkerName)>,
    places: usize,
}

/// Why a text with a marker in it can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadMarker {
    NotPlanted,
    TooMany,
}

const PREFIX: &str = "tidegate-unknown:";

impl Markers {
    #[inline(never)]
    pub(crate) fn new(markers: &[Marker]) -> Self {
        let mut planted: Vec<_> = markers.iter().map(|m| (m.text(), m.name())).collect();
        planted.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        Self { planted, places: limits::MARKER_PLACES }
    }

    /// The parts of `text`; none when it holds no marker.
    #[inline(never)]
    pub(crate) fn split(&mut self, text: &str) -> Result<Option<Vec<Part>>, BadMarker> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, marked)) =
            rest.find(PREFIX).and_then(|at| rest.split_at_checked(at))
        {
            self.places = self.places.checked_sub(1).ok_or(BadMarker::TooMany)?;
            let found = self.planted.iter().find_map(|(text, name)| {
                marked.strip_prefix(text.as_str()).map(|after| (name, after))
            });
            let (name, after) = found.ok_or(BadMarker::NotPlanted)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Marker(name.clone()));
            rest = after;
        }
        if parts.is_empty() {
            return Ok(None);
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Some(parts))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn markers(outputs: &[&str]) -> Markers {
        let one = |output: &&str| Marker {
            nonce: "k3v9".into(),
            stack: "network".parse().unwrap(),
            output: (*output).to_owned(),
        };
        Markers::new(&outputs.iter().map(one).collect::<Vec<_>>())
    }

    fn name(output: &str) -> Part {
        Part::Marker(MarkerName { stack: "network".parse().unwrap(), output: output.into() })
    }

    #[test]
    fn a_marker_is_found_inside_a_longer_text() {
        let text = "http://tidegate-unknown:k3v9:network.host/x";
        let parts = markers(&["host"]).split(text).unwrap().unwrap();
        assert_eq!(parts, [Part::Text("http://".into()), name("host"), Part::Text("/x".into())]);
    }

    #[test]
    fn the_longest_planted_output_is_meant() {
        let text = "tidegate-unknown:k3v9:network.vpcId";
        assert_eq!(markers(&["vpc", "vpcId"]).split(text).unwrap().unwrap(), [name("vpcId")]);
    }

    #[test]
    fn a_marker_of_another_preview_is_refused() {
        let text = "tidegate-unknown:aaaa:network.host";
        assert_eq!(markers(&["host"]).split(text), Err(BadMarker::NotPlanted));
    }

    #[test]
    fn a_text_without_a_marker_has_no_parts() {
        assert_eq!(markers(&["host"]).split("plain"), Ok(None));
    }

    #[test]
    fn places_are_counted() {
        let mut markers = markers(&["host"]);
        markers.places = 1;
        let text = "tidegate-unknown:k3v9:network.host".repeat(2);
        assert_eq!(markers.split(&text), Err(BadMarker::TooMany));
    }
}
