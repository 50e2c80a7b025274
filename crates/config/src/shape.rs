//! What may stand where, derived from the JSON Schema of the types: which keys a map has, and where an enum's variants
//! stand. Derived, not listed, so that a new option or model cannot be forgotten here.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde_json::Value as Json;

use ferrotype_base::problems::nearest;

/// One place of the experiment file.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What may stand here.
    pub kind: Kind,
    /// The documentation of the field or type.
    pub description: String,
    /// The value when the key is absent; none where the key is required, or in a variant that is not the default.
    pub default: Option<Json>,
    /// Whether nothing (`null`) may stand here.
    pub nullable: bool,
}

/// What may stand in a place.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A struct: its keys, and which of them are required.
    Map {
        /// The keys with what may stand below them.
        keys: BTreeMap<String, Shape>,
        /// The keys in the order of the type's fields.
        order: Vec<String>,
        /// Keys without a default.
        required: Vec<String>,
    },
    /// A map whose keys are names of the user's choice, all with the same below them.
    Named(Box<Shape>),
    /// An enum: its names with the shape of their options, if they have any. In the order of the schema.
    Variants(Vec<Variant>),
    /// A list of such values.
    List(Box<Shape>),
    /// A number, text or truth value, by the schema's name of its type.
    Scalar(String),
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name in a file.
    pub name: String,
    /// Its documentation.
    pub description: String,
    /// What may stand below the name, if anything.
    pub options: Option<Shape>,
}

impl Shape {
    /// The shape of a type. It takes longer to derive than a file to read, so it is kept: a sweep reads an experiment for
    /// each of its trials.
    pub fn of<T: JsonSchema + 'static>() -> &'static Self {
        static DERIVED: Mutex<BTreeMap<TypeId, &'static Shape>> = Mutex::new(BTreeMap::new());
        let mut derived = DERIVED.lock().unwrap_or_else(PoisonError::into_inner);
        derived.entry(TypeId::of::<T>()).or_insert_with(|| Box::leak(Box::new(Self::derive::<T>())))
    }

    fn derive<T: JsonSchema>() -> Self {
        let schema = schemars::schema_for!(T).to_value();
        Reader { definitions: schema.get("$defs").cloned().unwrap_or(Json::Null) }.shape(&schema)
    }

    /// The shape below a key of a map or a variant's name.
    pub fn child(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map { keys, .. } => keys.get(key),
            Kind::Named(inner) => Some(inner),
            Kind::Variants(variants) => self::variant(variants, key).and_then(|variant| variant.options.as_ref()),
            _ => None,
        }
    }

    /// The names that may stand in a path here.
    pub fn names(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Map { order, .. } => order.iter().map(String::as_str).collect(),
            Kind::Variants(variants) => variants.iter().map(|variant| variant.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// The path of a key like this one, if it stands in one place only.
    pub fn path_of(&self, key: &str) -> Option<String> {
        let mut paths = Vec::new();
        self.key_paths("", &mut paths);
        let mut like = paths.iter().filter(|path| nearest(key, path.rsplit('.').next()).is_some());
        let exact: Vec<_> = paths.iter().filter(|path| path.rsplit('.').next() == Some(key)).collect();
        match (exact.as_slice(), like.next(), like.next()) {
            ([only], ..) => Some((*only).clone()),
            ([], Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    fn key_paths(&self, above: &str, out: &mut Vec<String>) {
        let is_map = matches!(self.kind, Kind::Map { .. });
        for name in self.names() {
            let path = if above.is_empty() { name.to_string() } else { format!("{above}.{name}") };
            if let Some(child) = self.child(name) {
                child.key_paths(&path, out);
            }
            if is_map {
                out.push(path);
            }
        }
    }

    /// Whether this is an enum some variant of which has options.
    pub fn has_options(&self) -> bool {
        matches!(&self.kind, Kind::Variants(variants) if variants.iter().any(|variant| variant.options.is_some()))
    }

    /// Whether the empty map is a value: nothing is required.
    pub fn may_be_empty(&self) -> bool {
        matches!(&self.kind, Kind::Map { required, .. } if required.is_empty())
    }
}

/// The variant of a name.
pub fn variant<'v>(variants: &'v [Variant], name: &str) -> Option<&'v Variant> {
    variants.iter().find(|variant| variant.name == name)
}

struct Reader {
    definitions: Json,
}

impl Reader {
    fn shape(&self, schema: &Json) -> Shape {
        let (inner, nullable) = without_null(schema);
        let resolved = self.resolve(inner);
        let kind = self.kind(resolved);
        let description = [schema, inner, resolved].iter().find_map(|schema| text(schema, "description"));
        Shape {
            kind,
            description: description.unwrap_or_default(),
            default: schema.get("default").cloned(),
            nullable: nullable || accepts_null(resolved),
        }
    }

    fn resolve<'s>(&'s self, schema: &'s Json) -> &'s Json {
        let name = schema.get("$ref").and_then(Json::as_str).and_then(|link| link.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions.get(name)).unwrap_or(schema)
    }

    fn kind(&self, schema: &Json) -> Kind {
        if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("enum")).and_then(Json::as_array) {
            return Kind::Variants(choices.iter().flat_map(|choice| self.variants(choice)).collect());
        }
        if schema.get("not").is_some() {
            return Kind::Variants(Vec::new());
        }
        if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
            let order = properties.keys().cloned().collect();
            let keys = properties.iter().map(|(key, schema)| (key.clone(), self.shape(schema))).collect();
            return Kind::Map { keys, order, required: strings(schema.get("required")) };
        }
        match type_name(schema).as_str() {
            "object" if schema.get("additionalProperties").is_some_and(Json::is_object) => {
                Kind::Named(Box::new(self.shape(&schema["additionalProperties"])))
            }
            "object" => Kind::Map { keys: BTreeMap::new(), order: Vec::new(), required: Vec::new() },
            "array" => Kind::List(Box::new(self.shape(schema.get("items").unwrap_or(&Json::Null)))),
            name => Kind::Scalar(name.to_string()),
        }
    }

    /// One branch of an enum's schema: names without options, or one name with options.
    fn variants(&self, choice: &Json) -> Vec<Variant> {
        let description = text(choice, "description").unwrap_or_default();
        if let Some(properties) = choice.get("properties").and_then(Json::as_object) {
            let described = |(name, options): (&String, &Json)| Variant {
                name: name.clone(),
                description: description.clone(),
                options: Some(self.shape(options)),
            };
            return properties.iter().map(described).collect();
        }
        let mut names = strings(choice.get("enum"));
        names.extend(
            [choice, choice.get("const").unwrap_or(&Json::Null)].iter().filter_map(|v| v.as_str()).map(str::to_string),
        );
        names.into_iter().map(|name| Variant { name, description: description.clone(), options: None }).collect()
    }
}

/// The schema inside of an `Option`'s.
fn without_null(schema: &Json) -> (&Json, bool) {
    let Some(choices) = schema.get("anyOf").and_then(Json::as_array) else { return (schema, false) };
    let is_null = |choice: &&Json| choice.get("type").and_then(Json::as_str) == Some("null");
    match choices.iter().find(|choice| !is_null(choice)) {
        Some(inner) if choices.iter().any(|choice| is_null(&choice)) => (inner, true),
        _ => (schema, false),
    }
}

fn accepts_null(schema: &Json) -> bool {
    strings(schema.get("type")).iter().any(|name| name == "null")
}

/// The schema's type but for null; a number's format where it has one, as `float` needs fewer digits than `double`.
fn type_name(schema: &Json) -> String {
    let types = match schema.get("type") {
        Some(Json::String(name)) => vec![name.clone()],
        other => strings(other),
    };
    types.into_iter().find(|name| name != "null").unwrap_or_default()
}

fn strings(list: Option<&Json>) -> Vec<String> {
    let items = list.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Json::as_str).map(str::to_string).collect()
}

fn text(schema: &Json, key: &str) -> Option<String> {
    schema.get(key).and_then(Json::as_str).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}
