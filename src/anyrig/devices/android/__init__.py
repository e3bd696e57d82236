"""Android devices, by adb."""
