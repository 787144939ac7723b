"""Pictures and pages as plain text (SVG, HTML), drawn without any program installed."""
