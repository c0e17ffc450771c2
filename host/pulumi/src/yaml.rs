//! Reads YAML of strangers.

use crate::limits;
use serde_json::Value;
use serde_saphyr::{
    Budget, DuplicateKeyPolicy, Error, MergeKeyPolicy, Options, from_slice_with_options,
};

/// Parses one document, aliases and merge keys resolved. A key that stands twice is an error, since
/// two readers could take a different one of the two, and so is more than one document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Box<Error>> {
    let mut budget = Budget::default();
    budget.max_nodes = limits::PROJECT_FILE_NODES;
    budget.max_events = 3 * limits::PROJECT_FILE_NODES;
    budget.max_depth = 100;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.merge_keys = MergeKeyPolicy::Merge;
    options.alias_limits.max_total_replayed_events = limits::PROJECT_FILE_NODES;
    // The snippet in the message would quote the file, secrets included.
    options.with_snippet = false;
    from_slice_with_options(bytes, options).map_err(Box::new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn anchors_and_merge_keys_are_resolved_as_the_cli_does() {
        let text = "b: &b {url: 's3://x'}\na: *b\n<<: {backend: *b}\n";
        let url = json!({"url": "s3://x"});
        assert_eq!(parse(text.as_bytes()).unwrap(), json!({"a": url, "b": url, "backend": url}));
    }

    #[rstest]
    #[case::duplicate_key("name: a\nname: b\n")]
    #[case::two_documents("name: a\n---\nname: b\n")]
    #[case::not_utf8("name: \u{80}\n")]
    #[case::broken("name: [a\n")]
    fn what_two_readers_could_read_in_two_ways_is_refused(#[case] text: &str) {
        let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
        assert!(parse(&bytes).is_err());
    }

    #[test]
    fn a_bomb_of_aliases_and_a_deep_nest_are_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..9 {
            let inner = vec![format!("*a{}", i - 1); 10].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{inner}]\n"));
        }
        assert!(parse(bomb.as_bytes()).is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
