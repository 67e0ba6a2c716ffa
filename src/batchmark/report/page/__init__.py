"""What the page shows, computed: view models that templates only have to lay out."""
