terraform import stamp_fleet.web web
