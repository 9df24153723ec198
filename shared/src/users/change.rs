//! A conditional change to one item, as data. DynamoDB applies it in one step. [`Change::apply`]
//! applies it in memory, which lets tests check the reset protocol exhaustively.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::{Item, get_number, number};

/// The path of an attribute. A dot leads into a map, as in `reset.request_id`.
pub type Path = &'static str;

/// The condition under which an item is changed. A comparison with a missing attribute is false.
#[derive(Clone)]
pub enum Condition {
    /// The attribute exists.
    Exists(Path),
    /// The attribute does not exist.
    Missing(Path),
    /// The attribute has this value.
    Equals(Path, AttributeValue),
    /// The attribute is a number no greater than this.
    AtMost(Path, u64),
    /// All of these hold.
    All(Vec<Condition>),
    /// At least one of these holds.
    Any(Vec<Condition>),
}

/// A conditional change to one item.
#[derive(Clone)]
pub struct Change {
    /// The condition.
    pub condition: Condition,
    /// Attributes with their new values.
    pub set: Vec<(Path, AttributeValue)>,
    /// A number attribute to increment.
    pub increment: Option<Path>,
    /// Attributes to remove.
    pub remove: Vec<Path>,
}

impl fmt::Debug for Change {
    /// Leaves out the values, some of which are password hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(..)")
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condition(..)")
    }
}

/// A change as DynamoDB's expressions.
pub struct Expressions {
    /// The condition expression.
    pub condition: String,
    /// The update expression.
    pub update: String,
    /// The attribute names of both.
    pub names: HashMap<String, String>,
    /// The values of both. `None` if there are none, because DynamoDB refuses an empty map.
    pub values: Option<Item>,
}

impl fmt::Debug for Expressions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expressions(..)")
    }
}

impl Change {
    /// Makes a check without a change, for an item that the same transaction deletes or reads.
    #[must_use]
    pub fn only_if(condition: Condition) -> Self {
        Self {
            condition,
            set: vec![],
            increment: None,
            remove: vec![],
        }
    }

    /// Combines this change with a change to other attributes, under the conditions of both. At
    /// most one of them may have `increment`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.condition = Condition::All(vec![self.condition, other.condition]);
        self.set.extend(other.set);
        self.increment = self.increment.or(other.increment);
        self.remove.extend(other.remove);
        self
    }

    /// Applies the change if its condition holds. Returns whether it did.
    pub fn apply(&self, item: &mut Item) -> bool {
        if !self.condition.holds(item) {
            return false;
        }
        for (path, value) in &self.set {
            insert(item, path, value);
        }
        if let Some(path) = self.increment {
            let count = get_number(item, path).unwrap_or(0) + 1;
            item.insert(path.to_owned(), number(count));
        }
        for path in &self.remove {
            item.remove(*path);
        }
        true
    }

    /// Returns the change as DynamoDB's expressions.
    #[must_use]
    pub fn expressions(&self) -> Expressions {
        let mut writer = Writer::default();
        let condition = writer.condition(&self.condition);
        let mut update = Vec::new();
        if !self.set.is_empty() {
            let parts: Vec<_> = self
                .set
                .iter()
                .map(|(path, value)| format!("{} = {}", writer.name(path), writer.value(value)))
                .collect();
            update.push(format!("SET {}", parts.join(", ")));
        }
        if let Some(path) = self.increment {
            let one = writer.value(&number(1));
            update.push(format!("ADD {} {one}", writer.name(path)));
        }
        if !self.remove.is_empty() {
            let names: Vec<_> = self.remove.iter().map(|path| writer.name(path)).collect();
            update.push(format!("REMOVE {}", names.join(", ")));
        }
        Expressions {
            condition,
            update: update.join(" "),
            names: writer.names,
            values: Some(writer.values).filter(|values| !values.is_empty()),
        }
    }
}

impl Condition {
    fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Exists(path) => find(item, path).is_some(),
            Self::Missing(path) => find(item, path).is_none(),
            Self::Equals(path, value) => find(item, path) == Some(value),
            Self::AtMost(path, most) => find(item, path)
                .and_then(|value| value.as_n().ok()?.parse::<u64>().ok())
                .is_some_and(|number| number <= *most),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(item)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(item)),
        }
    }
}

fn insert(item: &mut Item, path: &str, value: &AttributeValue) {
    match path.split_once('.') {
        None => {
            item.insert(path.to_owned(), value.clone());
        }
        Some((map, rest)) => {
            if let Some(AttributeValue::M(map)) = item.get_mut(map) {
                insert(map, rest, value);
            }
        }
    }
}

fn find<'a>(item: &'a Item, path: &str) -> Option<&'a AttributeValue> {
    match path.split_once('.') {
        None => item.get(path),
        Some((map, rest)) => find(item.get(map)?.as_m().ok()?, rest),
    }
}

/// Collects the names and values behind the placeholders of expressions.
#[derive(Default)]
struct Writer {
    names: HashMap<String, String>,
    values: Item,
}

impl Writer {
    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Exists(path) => format!("attribute_exists({})", self.name(path)),
            Condition::Missing(path) => format!("attribute_not_exists({})", self.name(path)),
            Condition::Equals(path, value) => {
                format!("{} = {}", self.name(path), self.value(value))
            }
            Condition::AtMost(path, most) => {
                let most = self.value(&number(*most));
                format!("{} <= {most}", self.name(path))
            }
            Condition::All(conditions) => self.join(conditions, " AND "),
            Condition::Any(conditions) => self.join(conditions, " OR "),
        }
    }

    fn join(&mut self, conditions: &[Condition], word: &str) -> String {
        let parts: Vec<_> = conditions.iter().map(|part| self.condition(part)).collect();
        format!("({})", parts.join(word))
    }

    fn name(&mut self, path: &str) -> String {
        let placeholders: Vec<_> = path
            .split('.')
            .map(|name| {
                let placeholder = format!("#{name}");
                self.names.insert(placeholder.clone(), name.to_owned());
                placeholder
            })
            .collect();
        placeholders.join(".")
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb::text;

    fn change() -> Change {
        Change {
            condition: Condition::All(vec![
                Condition::Exists("username"),
                Condition::Any(vec![
                    Condition::Missing("reset"),
                    Condition::AtMost("reset.expires_at", 5),
                ]),
            ]),
            set: vec![("email", text("a@b.c"))],
            increment: Some("version"),
            remove: vec!["reset"],
        }
    }

    #[test]
    fn as_expressions() {
        let expressions = change().expressions();
        assert_eq!(
            expressions.condition,
            "(attribute_exists(#username) AND \
             (attribute_not_exists(#reset) OR #reset.#expires_at <= :v0))"
        );
        assert_eq!(
            expressions.update,
            "SET #email = :v1 ADD #version :v2 REMOVE #reset"
        );
        assert_eq!(expressions.names["#expires_at"], "expires_at");
        assert_eq!(expressions.values.unwrap()[":v0"], number(5));
    }

    #[test]
    fn without_values_there_is_no_map_of_them() {
        let change = Change {
            condition: Condition::Exists("username"),
            set: vec![],
            increment: None,
            remove: vec!["disabled"],
        };
        assert_eq!(change.expressions().values, None);
    }

    #[test]
    fn in_memory() {
        let mut nobody = Item::new();
        assert!(!change().apply(&mut nobody));
        assert!(nobody.is_empty());

        let reset = |expires_at| {
            AttributeValue::M(Item::from([("expires_at".to_owned(), number(expires_at))]))
        };
        let user = ("username".to_owned(), text("u"));
        let mut alive = Item::from([user.clone(), ("reset".to_owned(), reset(6))]);
        assert!(!change().apply(&mut alive));

        let mut over = Item::from([user, ("reset".to_owned(), reset(5))]);
        assert!(change().apply(&mut over));
        assert_eq!(over["email"], text("a@b.c"));
        assert_eq!(over["version"], number(1));
        assert!(!over.contains_key("reset"));
    }
}
