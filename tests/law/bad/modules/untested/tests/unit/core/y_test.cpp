// Of another room.
