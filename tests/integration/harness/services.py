"""A system bus of a test's own, with a NetworkManager and a UPower that say what the test wants. Run as a program, it is those two."""
import json
import os
import pathlib
import sys

from .processes import wait_until

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
"""


class Services:
    """On one machine; `say` changes what they answer: metered (NMMetered), on_battery."""

    def __init__(self, machine):
        self.folder = machine.folder / "bus"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.socket, self.answers = self.folder / "socket", self.folder / "answers"
        self.address = f"unix:path={self.socket}"
        self.say(metered=0, on_battery=False)
        (self.folder / "bus.conf").write_text(CONFIGURATION.format(address=self.address))
        self.bus = machine.node.child(["dbus-daemon", f"--config-file={self.folder / 'bus.conf'}", "--nofork"], self.folder / "bus.log")
        wait_until(lambda: self.socket.exists(), 10, lambda: f"the bus listens: {self.bus.text()}")
        self.socket.chmod(0o777)
        folder = pathlib.Path(__file__).resolve().parents[1]
        self.child = machine.node.child([sys.executable, "-m", "harness.services", self.answers], self.folder / "services.log",
                                        env=self.environment(), cwd=folder)
        wait_until(lambda: "ready" in self.child.text(), 10, lambda: f"the services are there: {self.child.text()}")

    def environment(self):
        return {"DBUS_SYSTEM_BUS_ADDRESS": self.address}

    def say(self, **answers):
        known = json.loads(self.answers.read_text()) if self.answers.exists() else {}
        new = self.folder / "answers.new"
        new.write_text(json.dumps({**known, **answers}))
        new.rename(self.answers)


def main(answers):
    import dbus
    import dbus.mainloop.glib
    import dbus.service
    from gi.repository import GLib

    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()

    class Properties(dbus.service.Object):
        @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
        def Get(self, interface, name):
            known = json.loads(pathlib.Path(answers).read_text())
            return dbus.UInt32(known["metered"]) if name == "Metered" else dbus.Boolean(known["on_battery"])

    kept = []
    for name in ("NetworkManager", "UPower"):
        owned = dbus.service.BusName(f"org.freedesktop.{name}", bus)
        kept.append(Properties(owned, f"/org/freedesktop/{name}"))
    os.write(1, b"ready\n")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1])
