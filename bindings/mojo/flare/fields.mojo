"""Header and trailer fields."""


@fieldwise_init
struct Field(Copyable, Writable):
    """A name and a value."""

    var name: String
    var value: String

    def write_to(self, mut writer: Some[Writer]):
        writer.write(self.name, ": ", self.value)


struct Fields(Movable, Sized):
    """Fields that are to be sent, in their order. Names are the same in any case."""

    var _fields: List[Field]

    def __init__(out self):
        self._fields = List[Field]()

    def __len__(self) -> Int:
        return len(self._fields)

    def add(mut self, var name: String, var value: String):
        """Adds a field behind the others."""
        self._fields.append(Field(name^, value^))

    def set(mut self, var name: String, var value: String):
        """Adds a field in place of all others of its name."""
        var lower = name.lower()
        var kept = List[Field]()
        for field in self._fields:
            if field.name.lower() != lower:
                kept.append(field.copy())
        self._fields = kept^
        self.add(name^, value^)

    def get(self, name: String) -> Optional[String]:
        """The value of the first field of this name."""
        var lower = name.lower()
        for field in self._fields:
            if field.name.lower() == lower:
                return field.value
        return None
