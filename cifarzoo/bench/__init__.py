"""cifarzoo and its peers side by side: measured in one run, written as JSON records."""
