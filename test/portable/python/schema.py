"""The part of JSON Schema that docs/protocol.schema.json uses."""

import json, re, sys

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
KNOWN = {"$schema", "title", "description", "$defs", "$ref", "id", "type", "const", "enum", "properties", "required",
         "additionalProperties", "propertyNames", "items", "anyOf", "oneOf", "allOf", "pattern", "format", "minLength",
         "maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum"}


class Schema:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = json.load(file)

    def fits(self, value, direction):
        """True for a frame that may travel in this direction, `up` or `down`."""
        return self._fits(value, self.root["$defs"][direction])

    def _fits(self, value, schema):
        if isinstance(schema, bool):
            return schema
        unknown = set(schema) - KNOWN
        if unknown:
            raise NotImplementedError(f"this reader of schemas doesn't know {unknown}")
        if "$ref" in schema and not self._fits(value, self.root["$defs"][schema["$ref"].removeprefix("#/$defs/")]):
            return False
        if "const" in schema and not same(value, schema["const"]):
            return False
        if "enum" in schema and not any(same(value, other) for other in schema["enum"]):
            return False
        if "type" in schema and not is_a(value, schema["type"]):
            return False
        if not all(self._fits(value, other) for other in schema.get("allOf", [])):
            return False
        if "anyOf" in schema and not any(self._fits(value, other) for other in schema["anyOf"]):
            return False
        if "oneOf" in schema and sum(self._fits(value, other) for other in schema["oneOf"]) != 1:
            return False
        if isinstance(value, dict):
            return self._object(value, schema)
        if isinstance(value, list):
            bounds = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", sys.maxsize)
            return bounds and all(self._fits(item, schema.get("items", True)) for item in value)
        if isinstance(value, str):
            bounds = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", sys.maxsize)
            return bounds and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return (schema.get("minimum", value) <= value <= schema.get("maximum", value)
                    and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]))
        return True

    def _object(self, value, schema):
        properties = schema.get("properties", {})
        if any(name not in value for name in schema.get("required", [])):
            return False
        others = schema.get("additionalProperties", True)
        return all(self._fits(item, properties.get(name, others)) for name, item in value.items())


def same(one, other):
    return type(one) is type(other) and one == other


def is_a(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])
