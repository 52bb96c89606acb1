terraform import stamp_golden_image.web web
